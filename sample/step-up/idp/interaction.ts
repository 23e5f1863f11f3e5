/** How does a person sign in? A password, and a code where the client asks for that; consent is not asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';
import { BANK, OTP, PASSWORD, SCOPES } from './resources.js';
import { ann } from './users.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

const HALF_AN_HOUR = 30 * 60;

function asksForCode({ params: { acr_values: asked } }: Interaction): boolean {
  return typeof asked === 'string' && asked.split(' ').includes(OTP);
}

function renderLogin(interaction: Interaction): string {
  const code = asksForCode(interaction) ? '<label>Code <input name="code"></label>' : '';
  return `<!doctype html><title>Sign in</title>
<form method="post" action="/interaction/${interaction.uid}/login">
<label>Name <input name="username"></label> <label>Password <input name="password" type="password"></label> ${code}
<button>Sign in</button></form>
<p>${ann.id}: ${ann.password}, code ${ann.code}</p>`;
}

/** `undefined` where name, password or code are wrong. */
function signIn(interaction: Interaction, form: URLSearchParams) {
  if (form.get('username') !== ann.id || form.get('password') !== ann.password) return undefined;
  const login = { accountId: ann.id, acr: PASSWORD, amr: ['pwd'] };
  if (asksForCode(interaction))
    return form.get('code') === ann.code ? { ...login, acr: OTP, amr: ['pwd', 'otp'] } : undefined;
  // So that nobody has to wait for a sign-in to grow old, the first one of a browser was half an hour ago.
  const isFirst = interaction.session === undefined && interaction.params.max_age === undefined;
  return { ...login, ...(isFirst && { ts: Math.floor(Date.now() / 1000) - HALF_AN_HOUR }) };
}

async function grantAll(provider: Provider, { grantId, session, params }: Interaction): Promise<string> {
  const existing = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant =
    existing ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params.client_id) });
  grant.addOIDCScope(['openid', ...SCOPES].join(' '));
  grant.addResourceScope(BANK, SCOPES.join(' '));
  return grant.save();
}

/** Handles everything below `/interaction/`. */
export function createInteractionHandler(provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const interaction = await provider.interactionDetails(request, response);
    if (interaction.prompt.name === 'consent') {
      const consent = { grantId: await grantAll(provider, interaction) };
      return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    }
    if (request.method === 'POST') {
      const login = signIn(interaction, new URLSearchParams(await text(request)));
      if (login) return provider.interactionFinished(request, response, { login });
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(renderLogin(interaction));
  };
}
