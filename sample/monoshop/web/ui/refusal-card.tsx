/** What if an API does not give us what we asked for? What has happened, and what to do now; one card each. */
import type { Refusal } from '../shop/call-api';
import { Icon, type IconName } from './icons';

interface Card {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  readonly status: string;
  readonly action?: 'sign-in' | 'step-up' | 'retry' | 'home';
}

const cards: Readonly<Record<Refusal, Card>> = {
  'signed-out': {
    icon: 'key',
    title: 'Your session has ended',
    text: 'Sign in again, and you are back where you were.',
    status: 'Signed out',
    action: 'sign-in',
  },
  'step-up': {
    icon: 'key',
    title: 'Please confirm that it is you',
    text: 'This takes a sign-in with a code, within the last five minutes. Afterwards you are back here.',
    status: '401 Unauthorized',
    action: 'step-up',
  },
  unauthorized: {
    icon: 'key',
    title: 'Your sign-in is not accepted',
    text: 'The service does not accept the token of this session. A new sign-in brings a new one.',
    status: '401 Unauthorized',
    action: 'sign-in',
  },
  forbidden: {
    icon: 'lock',
    title: 'Not for this account',
    text: 'You are signed in, but this needs rights that your account does not have. Ask an administrator for them.',
    status: '403 Forbidden',
    action: 'home',
  },
  unavailable: {
    icon: 'cloud',
    title: 'Not reachable right now',
    text: 'The service does not answer. Nothing is lost: try again in a moment.',
    status: '503 Service Unavailable',
    action: 'retry',
  },
  rejected: {
    icon: 'box',
    title: 'That cannot be done',
    text: 'The service does not accept this.',
    status: 'Rejected',
  },
};

interface Props {
  readonly refusal: Refusal;
  /** What could not be had. */
  readonly subject: string;
  /** The page it stands on. */
  readonly path: string;
  /** In the service's own words. */
  readonly reason?: string | undefined;
}

export function RefusalCard({ refusal, subject, path, reason }: Props) {
  const { icon, title, text, status, action } = cards[refusal];
  return (
    <section className={`card refusal refusal-${refusal}`} role="alert">
      <span className="badge-icon">
        <Icon name={icon} />
      </span>
      <div>
        <p className="eyebrow">
          {subject} · {status}
        </p>
        <h2>{title}</h2>
        <p>{reason ?? text}</p>
        {action === 'sign-in' && (
          <a className="button" href={signInUrl(path)}>
            Sign in again
          </a>
        )}
        {action === 'step-up' && (
          <a className="button" href={`${signInUrl(path)}&stepUp`}>
            Confirm
          </a>
        )}
        {action === 'retry' && (
          <a className="button quiet" href={path}>
            Try again
          </a>
        )}
        {action === 'home' && (
          <a className="button quiet" href="/">
            To the dashboard
          </a>
        )}
      </div>
    </section>
  );
}

export function signInUrl(path: string): string {
  return `/api/auth/sign-in?returnTo=${encodeURIComponent(path)}`;
}
