/** What the client of docs/migration/from-monocloud-backend-sdk.md becomes. */
import type { AuthModuleOptions } from 'nestjs-resource-server';

interface RequestWithCookies {
  readonly cookies?: Readonly<Record<string, string | undefined>>;
}

export const options: AuthModuleOptions = {
  tenantDomain: 'https://acme.us.monocloud.app',
  audience: 'https://api.example.com',
  tokenResolver: (request) => (request as RequestWithCookies).cookies?.['access_token'],
};
