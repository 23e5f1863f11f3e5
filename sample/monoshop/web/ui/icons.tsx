/** What do things look like? Lines, in the colour of the text around them; what they mean is said in words beside them. */
import type { ReactNode } from 'react';

const paths = {
  cup: (
    <>
      <path d="M4 9h12v5a5 5 0 0 1-5 5H9a5 5 0 0 1-5-5Z" />
      <path d="M16 10h1.5a2.5 2.5 0 0 1 0 5H16M8 3c-1 1.2 1 1.8 0 3M12 3c-1 1.2 1 1.8 0 3" />
    </>
  ),
  pot: (
    <>
      <path d="M7.5 10h9c.8 1.3 1.2 2.8 1.2 4.3 0 2.3-1 4.3-2.7 5.7H9c-1.7-1.4-2.7-3.4-2.7-5.7L3 11.2 4.3 9.8l2.4 1.9Z" />
      <path d="M17.3 11.7c2.1-.9 4 .1 3.9 2.1-.1 1.9-1.8 3-3.8 2.8M8.9 10c.3-2 1.5-3.1 3.1-3.1s2.8 1.1 3.1 3.1M12 6.9V5.3" />
    </>
  ),
  press: (
    <>
      <path d="M7 8h9v12H7ZM11.5 8V3.5M9.5 3.5h4M16 10h2.2a1.5 1.5 0 0 1 1.5 1.5v3.5a1.5 1.5 0 0 1-1.5 1.5H16" />
      <path d="M7 14h9" />
    </>
  ),
  box: <path d="m12 3 8 4.5v9L12 21l-8-4.5v-9ZM4 7.5l8 4.5 8-4.5M12 12v9" />,
  invoice: <path d="M6 3h12v18l-3-2-3 2-3-2-3 2ZM9 8h6M9 12h6" />,
  coins: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM15 9a4 4 0 1 0 0 6M7.5 11h5M7.5 13.5h5" />,
  check: <path d="M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8 12.2l2.8 2.8L16 9.5" />,
  key: <path d="M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM11 12l8-8M16 7l3 3M13.5 9.5l2 2" />,
  lock: <path d="M6 11h12v9H6ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2" />,
  cloud: (
    <path d="M8 18.5a4.5 4.5 0 0 1-.6-8.96A5.5 5.5 0 0 1 18 11a3.8 3.8 0 0 1-.5 7.5ZM10 13l4 3.5M14 13l-4 3.5" />
  ),
  home: <path d="m4 11 8-7 8 7v9h-5.5v-6h-5v6H4Z" />,
  tools: <path d="M4 7h9M17 7h3M15 4.5v5M4 17h3M11 17h9M9 14.5v5" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      {paths[name]}
    </svg>
  );
}

/** What a product of this name may look like. */
export function pictureFor(product: string): IconName {
  if (/\bpress/i.test(product)) return 'press';
  if (/pot|jug|kettle/i.test(product)) return 'pot';
  if (/cup|mug|glass/i.test(product)) return 'cup';
  return 'box';
}
