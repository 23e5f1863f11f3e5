/** What is around every page? Who is signed in, where one can go, and the way out. */
import type { Metadata, Viewport } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { findSession } from '../auth/cookies';
import type { User } from '../auth/sessions';
import { Icon } from '../ui/icons';
import { Navigation } from '../ui/navigation';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'MonoShop', template: '%s · MonoShop' },
  description: 'Catalogue and invoices of a small shop: the front end of a sample.',
};

export const viewport: Viewport = {
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f4ef' },
    { media: '(prefers-color-scheme: dark)', color: '#151311' },
  ],
};

function writeInitials(name: string): string {
  const initials = name.split(' ').map((word) => word.charAt(0));
  return initials.slice(0, 2).join('');
}

function Account({ user }: { readonly user: User }) {
  return (
    <div className="account">
      <span className="avatar" aria-hidden="true">
        {writeInitials(user.name)}
      </span>
      <p className="who">
        <span className="visually-hidden">Signed in as </span>
        <strong>{user.name}</strong>
        <span className="groups">{user.groups.join(', ')}</span>
      </p>
      <form method="post" action="/api/auth/sign-out">
        <button className="button quiet">Sign out</button>
      </form>
    </div>
  );
}

export default async function Layout({ children }: { readonly children: ReactNode }) {
  const user = (await findSession())?.user;
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#main">
          Skip to content
        </a>
        <header className="top">
          <div className="bar">
            <Link className="brand" href="/" prefetch={false}>
              <Icon name="cup" />
              MonoShop
            </Link>
            {user && <Navigation isAdmin={user.groups.includes('admin')} />}
            {user && <Account user={user} />}
          </div>
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <footer className="bottom">
          <p>A sample of nestjs-resource-server. Everything you see runs on this machine.</p>
        </footer>
      </body>
    </html>
  );
}
