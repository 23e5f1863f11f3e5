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

/** The same colours as the front end, and nothing from elsewhere. */
const style = `
  :root { color-scheme: light dark; --paper: #f7f4ef; --card: #fff; --sunken: #f0ebe3; --line: #e3dcd1; --ink: #211d19;
    --muted: #6a6158; --accent: #1f5c4d; --strong: #17463b; --on-accent: #fff; --danger: #a3321f; --danger-soft: #f8e3dd }
  @media (prefers-color-scheme: dark) { :root { --paper: #151311; --card: #201d1a; --sunken: #2a2622; --line: #383229;
    --ink: #f2ece3; --muted: #aea396; --accent: #7fcdb4; --strong: #9bdcc7; --on-accent: #0c2a22; --danger: #f29a86;
    --danger-soft: #43221b } }
  *, ::before, ::after { box-sizing: border-box }
  body { font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; margin: 0;
    padding: clamp(1rem, 8vh, 5rem) 1rem; background: var(--paper); color: var(--ink) }
  main { max-width: 27rem; margin: auto; padding: 2rem; background: var(--card); border: 1px solid var(--line);
    border-radius: 14px; box-shadow: 0 6px 20px rgb(60 40 20 / 5%) }
  h1, .brand { font-family: 'Iowan Old Style', 'Palatino Linotype', Palatino, 'URW Palladio L', Georgia, serif }
  h1 { font-size: 1.75rem; font-weight: 500; line-height: 1.2; margin: .25rem 0 1.25rem }
  h2 { font-size: 1rem; margin: 0 0 .75rem } p { margin: 0 0 1rem } .brand, .quiet { color: var(--muted) } .brand { margin: 0 }
  form { display: grid; gap: 1rem } form + form, form + .more { margin-top: .75rem }
  label { display: grid; gap: .35rem; font-size: .92rem; font-weight: 500 }
  input { width: 100%; min-height: 2.75rem; padding: .4rem .8rem; font: inherit; color: inherit; background: var(--paper);
    border: 1px solid var(--muted); border-radius: 9px }
  button { width: 100%; min-height: 2.75rem; font: inherit; font-weight: 600; color: var(--on-accent); cursor: pointer;
    background: var(--accent); border: 1px solid transparent; border-radius: 999px }
  button:hover { background: var(--strong) }
  button.plain { color: var(--ink); background: none; border-color: var(--line); font-weight: 500 }
  button.plain:hover { background: var(--sunken) }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
  .error { padding: .7rem 1rem; border-radius: 9px; background: var(--danger-soft); color: var(--danger); font-weight: 500 }
  .hint { margin-top: 1.75rem; padding-top: 1.5rem; border-top: 1px solid var(--line) }
  table { width: 100%; border-collapse: collapse; font-size: .92rem } caption { text-align: start; padding-bottom: .5rem }
  th, td { padding: .45rem .5rem .45rem 0; text-align: start; vertical-align: top } th { font-weight: 500; color: var(--muted) }
  tr + tr, tbody tr { border-top: 1px solid var(--line) } ul { margin: 0 0 1.5rem; padding-inline-start: 1.2rem }
  code { font: .9em ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere }
  td code { white-space: nowrap }`;

/** A whole page; `body` is HTML already. */
function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${style}</style></head>
<body><main><p class="brand">MonoShop accounts</p><h1>${escape(title)}</h1>
${body}
</main></body></html>`;
}

export function renderMessage(title: string, message: string): string {
  return renderPage(title, `<p>${escape(message)}</p>`);
}

/** @param asksForCode whether the front end requires the second factor */
export function renderLogin(uid: string, asksForCode: boolean, error?: string): string {
  const people = users.map(({ id, password, code, groups }) => {
    const cells = [id, password, ...(asksForCode ? [code] : [])].map(
      (text) => `<code>${escape(text)}</code>`,
    );
    return `<tr>${[...cells, escape(groups.join(', '))].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const columns = ['User', 'Password', ...(asksForCode ? ['Code'] : []), 'Groups'];
  return renderPage(
    'Sign in to MonoShop',
    `${error ? `<p class="error" role="alert">${escape(error)}</p>` : ''}
<form method="post" action="/interaction/${escape(uid)}/login">
  <label>User <input name="username" autocomplete="username" autocapitalize="none" autofocus required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
${asksForCode ? '  <label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>\n' : ''}\
  <button>Sign in</button>
</form>
<div class="hint"><table><caption>A demo, so here is who can sign in:</caption>
<thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>${people.join('')}</tbody></table></div>`,
  );
}

/** `asked` lists what the front end wants to do, one line each. */
export function renderConsent(uid: string, clientName: string, asked: readonly string[]): string {
  return renderPage(
    `Let ${clientName} act for you?`,
    `<p>It asks for:</p>
<ul>${asked.map((line) => `<li><code>${escape(line)}</code></li>`).join('')}</ul>
<form method="post" action="/interaction/${escape(uid)}/consent"><button>Allow</button></form>
<form method="post" action="/interaction/${escape(uid)}/abort"><button class="plain">Refuse</button></form>`,
  );
}

/** `form` is oidc-provider's own, which the buttons belong to. */
export function renderLogout(form: string): string {
  return renderPage(
    'Sign out everywhere?',
    `<p>You have left MonoShop. Here, you are still signed in: whoever uses this browser next could go back in without a
password.</p>
${form}
<p><button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button></p>
<button class="plain" form="op.logoutForm">Stay signed in here</button>`,
  );
}
