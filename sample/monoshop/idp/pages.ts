/** What do people see while they sign in? Plain HTML without scripts. */
import { users } from './users.js';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color: #222 }
  label, button { display: block; width: 100% } button { padding: .6rem; margin-top: 1rem; font: inherit }
  input { width: 100%; padding: .5rem; font: inherit; box-sizing: border-box }
  .error { color: #b00020 } .hint { background: #f4f4f4; padding: .75rem 1rem } code { background: #f4f4f4 }`;

/** A whole page; `body` is HTML already. */
export function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${style}</style></head>
<body><h1>${escape(title)}</h1>
${body}
</body></html>`;
}

export function renderMessage(title: string, message: string): string {
  return renderPage(title, `<p>${escape(message)}</p>`);
}

export function renderLogin(uid: string, error?: string): string {
  const people = users.map(
    ({ id, password, groups }) =>
      `<li><code>${escape(id)}</code> / <code>${escape(password)}</code> (groups: ${escape(groups.join(', '))})</li>`,
  );
  return renderPage(
    'Sign in to MonoShop',
    `${error ? `<p class="error">${escape(error)}</p>` : ''}
<form method="post" action="/interaction/${escape(uid)}/login">
  <label>User <input name="username" autocomplete="username" autofocus required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
<div class="hint">A demo, so here is who can sign in:<ul>${people.join('')}</ul></div>`,
  );
}

/** `asked` lists what the front end wants to do, one line each. */
export function renderConsent(uid: string, clientName: string, asked: readonly string[]): string {
  return renderPage(
    `Let ${clientName} act for you?`,
    `<p>It asks for:</p>
<ul>${asked.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>
<form method="post" action="/interaction/${escape(uid)}/consent"><button>Allow</button></form>
<form method="post" action="/interaction/${escape(uid)}/abort"><button>Refuse</button></form>`,
  );
}
