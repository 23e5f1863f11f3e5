/** How does a person sign in? One form; what the person may grant is then granted, without a page of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';
import { users } from './users.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

function renderLogin(uid: string): string {
  return `<!doctype html><title>Sign in</title>
<form method="post" action="/interaction/${uid}/login">
<label>Name <input name="username"></label> <label>Password <input name="password" type="password"></label>
<button>Sign in</button></form>
<p>${users.map(({ id, password }) => `${id}: ${password}`).join('<br>')}</p>`;
}

async function grant(provider: Provider, { grantId, session, params, prompt }: Interaction): Promise<string> {
  const accountId = session?.accountId;
  const may = users.find(({ id }) => id === accountId)?.mayGrant ?? [];
  const existing = grantId ? await provider.Grant.find(grantId) : undefined;
  const given = existing ?? new provider.Grant({ accountId, clientId: String(params.client_id) });
  const { missingOIDCScope, missingResourceScopes = {} } = prompt.details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
  if (missingOIDCScope) given.addOIDCScope(missingOIDCScope);
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    given.addResourceScope(
      resource,
      scopes.filter((scope) => may.includes(scope)),
    );
    given.rejectResourceScope(
      resource,
      scopes.filter((scope) => !may.includes(scope)),
    );
  }
  return given.save();
}

/** Handles everything below `/interaction/`. */
export function createInteractionHandler(provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const interaction = await provider.interactionDetails(request, response);
    if (interaction.prompt.name === 'consent') {
      const consent = { grantId: await grant(provider, interaction) };
      return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    }
    if (request.method === 'POST') {
      const form = new URLSearchParams(await text(request));
      const user = users.find(
        ({ id, password }) => id === form.get('username') && password === form.get('password'),
      );
      if (user) return provider.interactionFinished(request, response, { login: { accountId: user.id } });
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(renderLogin(interaction.uid));
  };
}
