/** What does somebody see who is not signed in? What there is, and the way in. */
import { Icon } from './icons';
import { signInUrl } from './refusal-card';

const problems: Readonly<Record<string, string>> = {
  refused: 'You did not allow MonoShop to act for you, so you are not signed in.',
  expired: 'That sign-in took too long, or began in another browser. Please start again.',
  unreachable: 'The sign-in service does not answer right now. Please try again in a moment.',
  failed: 'The sign-in did not work. Please try again.',
};

interface Props {
  /** Where to go afterwards. */
  readonly path: string;
  /** Why the last attempt has failed. */
  readonly problem?: string | undefined;
}

export function Invitation({ path, problem }: Props) {
  const message = problem === undefined ? undefined : problems[problem];
  return (
    <section className="invitation">
      <div className="invitation-text">
        {message && (
          <p className="notice" role="alert">
            {message}
          </p>
        )}
        <p className="eyebrow">For the people behind the counter</p>
        <h1>Good coffee needs good books.</h1>
        <p className="lead">
          Catalogue, invoices and revenue of your shop on one page. Sign in to see what is yours to see.
        </p>
        <a className="button large" href={signInUrl(path)}>
          Sign in
        </a>
      </div>
      <ul className="promises" aria-label="How MonoShop keeps you safe">
        <li>
          <Icon name="lock" />
          <div>
            <h2>Nothing to steal in here</h2>
            <p>Your browser holds the number of a session. The keys to your data never leave our server.</p>
          </div>
        </li>
        <li>
          <Icon name="key" />
          <div>
            <h2>One key per service</h2>
            <p>What opens the catalogue does not open the invoices. Each service accepts its own.</p>
          </div>
        </li>
        <li>
          <Icon name="check" />
          <div>
            <h2>Rights where they count</h2>
            <p>Every service checks for itself what you may do, with every single request.</p>
          </div>
        </li>
      </ul>
    </section>
  );
}
