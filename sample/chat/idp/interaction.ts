/** How does a person sign in? One form. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';
import { users } from './users.js';

function renderLogin(uid: string): string {
  return `<!doctype html><html lang="en"><title>Sign in</title>
<form method="post" action="/interaction/${uid}/login">
<label>Name <input name="username"></label> <label>Password <input name="password" type="password"></label>
<button>Sign in</button></form>
<p>${users.map(({ id, password }) => `${id}: ${password}`).join('<br>')}</p>`;
}

/** Handles everything below `/interaction/`. */
export function createInteractionHandler(provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { uid } = await provider.interactionDetails(request, response);
    if (request.method === 'POST') {
      const form = new URLSearchParams(await text(request));
      const user = users.find(
        ({ id, password }) => id === form.get('username') && password === form.get('password'),
      );
      if (user) return provider.interactionFinished(request, response, { login: { accountId: user.id } });
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(renderLogin(uid));
  };
}
