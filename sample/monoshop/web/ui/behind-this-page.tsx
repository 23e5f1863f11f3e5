/** How did the data get here? What is known about the tokens, and of the tokens themselves nothing. */
import 'server-only';
import type { Session } from '../auth/sessions';
import { apiNames, findApi, type ApiName } from '../auth/settings';

const titles: Readonly<Record<ApiName, string>> = { products: 'Product API', invoices: 'Invoice API' };

function writeRest(expiresAt: number): string {
  const seconds = Math.max(0, Math.round((expiresAt - Date.now()) / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

export function BehindThisPage({ session }: { readonly session: Session }) {
  return (
    <details className="behind">
      <summary>Behind this page</summary>
      <p>
        The server asked each API with an access token of its own. Your browser has none of them: it only has
        the number of your session.
      </p>
      <dl>
        {apiNames.map((name) => {
          const token = session.accessTokens.get(name);
          return (
            <div key={name}>
              <dt>{titles[name]}</dt>
              <dd>
                <span>
                  audience <code>{findApi(name).audience}</code>
                </span>
                <span>
                  scopes <code>{token?.scope ?? 'none'}</code>
                </span>
                <span>
                  {token ? `renewed by itself, next within ${writeRest(token.expiresAt)}` : 'no token yet'}
                </span>
              </dd>
            </div>
          );
        })}
      </dl>
    </details>
  );
}
