/** How an application declares its own claims: once, for all its handlers. docs/claims.md quotes this. */
import 'nestjs-resource-server';

declare module 'nestjs-resource-server' {
  interface CustomClaims {
    tenant_id: string;
    plan?: 'free' | 'pro';
  }
}
