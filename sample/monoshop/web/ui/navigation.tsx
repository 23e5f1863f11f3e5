'use client';
/** Where can one go, and where are we? */
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { Icon, type IconName } from './icons';

interface Place {
  readonly path: string;
  readonly name: string;
  readonly icon: IconName;
}

const places: readonly Place[] = [
  { path: '/', name: 'Dashboard', icon: 'home' },
  { path: '/products', name: 'Products', icon: 'cup' },
  { path: '/invoices', name: 'Invoices', icon: 'invoice' },
];
const admin: Place = { path: '/admin', name: 'Admin', icon: 'tools' };

export function Navigation({ isAdmin }: { readonly isAdmin: boolean }) {
  const here = usePathname();
  return (
    <nav aria-label="Main">
      <ul>
        {(isAdmin ? [...places, admin] : places).map(({ path, name, icon }) => (
          <li key={path}>
            <Link href={path} prefetch={false} aria-current={path === here ? 'page' : undefined}>
              <Icon name={icon} />
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
