/** How does a person sign in and consent? oidc-provider sends the browser here, and takes over again afterwards. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type Provider } from 'oidc-provider';
import { renderConsent, renderLogin, renderMessage } from './pages.js';
import { BY_PASSWORD, WITH_CODE } from './resources.js';
import { findUser, findUserByPassword } from './users.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** What is still to be granted: exactly the members that oidc-provider puts into the consent prompt. */
interface ConsentDetails {
  readonly missingOIDCScope?: string[];
  readonly missingOIDCClaims?: string[];
  readonly missingResourceScopes?: Record<string, string[]>;
}

const MAX_FORM_BYTES = 10_000;

function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(html);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_FORM_BYTES) throw new errors.InvalidRequest('form too large');
    chunks.push(bytes);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** Whether this sign-in takes the second factor (`acr_values`, OpenID Connect Core section 3.1.2.1). */
function asksForCode({ params }: Interaction): boolean {
  const requested = params['acr_values'];
  return typeof requested === 'string' && requested.split(' ').includes(WITH_CODE);
}

/** What this person may let a program do, and what not. */
function divide(
  { session }: Interaction,
  scopes: readonly string[],
): { granted: string[]; rejected: string[] } {
  const mayGrant = findUser(session?.accountId ?? '')?.mayGrant ?? [];
  return {
    granted: scopes.filter((scope) => mayGrant.includes(scope)),
    rejected: scopes.filter((scope) => !mayGrant.includes(scope)),
  };
}

function listRequested(interaction: Interaction): string[] {
  const { missingOIDCScope = [], missingResourceScopes = {} }: ConsentDetails = interaction.prompt.details;
  const perApi = Object.entries(missingResourceScopes)
    .map(([api, scopes]) => [api, divide(interaction, scopes).granted.join(', ')])
    .filter(([, granted]) => granted !== '')
    .map(([api, granted]) => `${granted} at ${api}`);
  return [...missingOIDCScope, ...perApi];
}

async function saveGrant(provider: Provider, interaction: Interaction): Promise<string> {
  const existing = interaction.grantId ? await provider.Grant.find(interaction.grantId) : undefined;
  const grant =
    existing ??
    new provider.Grant({
      accountId: interaction.session?.accountId,
      clientId: String(interaction.params.client_id),
    });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes }: ConsentDetails =
    interaction.prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope);
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [api, scopes] of Object.entries(missingResourceScopes ?? {})) {
    const { granted, rejected } = divide(interaction, scopes);
    if (granted.length > 0) grant.addResourceScope(api, granted);
    // Otherwise it would be asked for again, and again.
    if (rejected.length > 0) grant.rejectResourceScope(api, rejected);
  }
  return grant.save();
}

async function showPrompt(
  provider: Provider,
  interaction: Interaction,
  response: ServerResponse,
): Promise<void> {
  const { uid, prompt, params } = interaction;
  if (prompt.name === 'login') return sendPage(response, 200, renderLogin(uid, asksForCode(interaction)));
  const client = await provider.Client.find(String(params.client_id));
  sendPage(
    response,
    200,
    renderConsent(uid, client?.clientName ?? 'The application', listRequested(interaction)),
  );
}

async function answerPrompt(
  provider: Provider,
  interaction: Interaction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, uid } = interaction;
  const action = request.url?.split('/').at(-1);

  if (action === 'abort') {
    return provider.interactionFinished(request, response, { error: 'access_denied' });
  }
  if (action === 'login' && prompt.name === 'login') {
    const form = await readForm(request);
    const user = findUserByPassword(form.get('username') ?? '', form.get('password') ?? '');
    const withCode = asksForCode(interaction);
    if (!user || (withCode && form.get('code') !== user.code)) {
      const error = withCode ? 'No such user, password and code.' : 'No such user and password.';
      return sendPage(response, 401, renderLogin(uid, withCode, error));
    }
    const login = { accountId: user.id, acr: withCode ? WITH_CODE : BY_PASSWORD };
    return provider.interactionFinished(request, response, { login });
  }
  if (action === 'consent' && prompt.name === 'consent') {
    const grantId = await saveGrant(provider, interaction);
    const merge = { mergeWithLastSubmission: true };
    return provider.interactionFinished(request, response, { consent: { grantId } }, merge);
  }
  sendPage(response, 400, renderMessage('Not now', 'This step does not fit where your sign-in is.'));
}

/** Handles everything below `/interaction/`. */
export function createInteractionHandler(provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      // Found by a signed cookie that browsers send for this interaction's path only, so `uid` needs no check.
      const interaction = await provider.interactionDetails(request, response);
      await (request.method === 'POST'
        ? answerPrompt(provider, interaction, request, response)
        : showPrompt(provider, interaction, response));
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      sendPage(
        response,
        400,
        renderMessage('Start again', 'This sign-in has expired, or began in another browser.'),
      );
    }
  };
}
