/** What users pick instead, each set up as its own documentation has it, for the same job: signature, iss, aud, exp, scope. */
import { AUDIENCE } from './issuer.js';

const SCOPE = 'read:things';
const holdsScope = ({ scope }) => scope.split(' ').includes(SCOPE);

/** In GraphQL the request is in the third argument of a resolver. */
const requestOf = (context) =>
  context.getType() === 'graphql' ? context.getArgs()[2].req : context.switchToHttp().getRequest();

const bearerOf = (context) => {
  const [type, token] = requestOf(context).headers.authorization?.split(' ') ?? [];
  return type === 'Bearer' ? token : undefined;
};

/** A guard around a function that answers with the claims of a good token, or throws. */
async function guardWith(claimsOf) {
  const { ForbiddenException, UnauthorizedException } = await import('@nestjs/common');
  return class PeerGuard {
    async canActivate(context) {
      const request = requestOf(context);
      try {
        request.user = await claimsOf(bearerOf(context));
      } catch {
        throw new UnauthorizedException();
      }
      if (!holdsScope(request.user)) throw new ForbiddenException();
      return true;
    }
  };
}

/** By hand, as Nest's documentation teaches guards, with jose. */
export async function joseGuard(issuer) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  return guardWith(async (token) => (await jwtVerify(token, keys, { issuer, audience: AUDIENCE })).payload);
}

/** The least that remembering takes: the claims in a Map, their expiry compared. It never forgets a token. */
export async function mapGuard(issuer) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const known = new Map();
  return guardWith((token) => {
    const claims = known.get(token);
    if (claims && claims.exp > Date.now() / 1000) return claims;
    return jwtVerify(token, keys, { issuer, audience: AUDIENCE }).then(({ payload }) => {
      known.set(token, payload);
      return payload;
    });
  });
}

/** The least that asking takes: `undici.request` and `JSON.parse`, on as many connections as it opens. */
export async function bareIntrospectionGuard(issuer) {
  const { request } = await import('undici');
  const authorization = `Basic ${Buffer.from('bench-api:a secret of the benchmark').toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
  return guardWith(async (token) => {
    const { body } = await request(`${issuer}/introspect`, {
      method: 'POST',
      headers,
      body: `token=${token}`,
    });
    const claims = JSON.parse(await body.text());
    if (!claims.active) throw new Error('inactive');
    return claims;
  });
}

/** By hand, with oauth4webapi: asks for every request. */
export async function introspectionGuard(issuer) {
  const oauth = await import('oauth4webapi');
  const insecure = { [oauth.allowInsecureRequests]: true };
  const discovery = await oauth.discoveryRequest(new URL(issuer), { ...insecure, algorithm: 'oauth2' });
  const server = await oauth.processDiscoveryResponse(new URL(issuer), discovery);
  const client = { client_id: 'bench-api' };
  const authentication = oauth.ClientSecretPost('a secret of the benchmark');
  return guardWith(async (token) => {
    const response = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    const claims = await oauth.processIntrospectionResponse(server, client, response);
    const isGood = claims.active && claims.aud === AUDIENCE && claims.exp > Date.now() / 1000;
    if (!isGood) throw new Error('inactive');
    return claims;
  });
}

/** Its verification in the same tick, its keys loaded before: it fetches by https only. */
export async function awsJwtVerifyGuard(issuer) {
  const { JwtVerifier } = await import('aws-jwt-verify');
  const verifier = JwtVerifier.create({ issuer, audience: AUDIENCE, jwksUri: `${issuer}/jwks` });
  verifier.cacheJwks(await (await fetch(`${issuer}/jwks`)).json());
  return guardWith((token) => verifier.verifySync(token));
}

/** With its cache of verified tokens on; keys by name, fetched before: it has no key set of its own. */
export async function fastJwtGuard(issuer) {
  const { createPublicKey } = await import('node:crypto');
  const { createVerifier } = await import('fast-jwt');
  const { keys } = await (await fetch(`${issuer}/jwks`)).json();
  const pems = Object.fromEntries(
    keys.map((jwk) => [
      jwk.kid,
      createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    ]),
  );
  const verify = createVerifier({
    key: async ({ header }) => pems[header.kid],
    cache: 10_000,
    allowedIss: issuer,
    allowedAud: AUDIENCE,
    algorithms: ['RS256', 'ES256', 'EdDSA'],
  });
  return guardWith((token) => verify(token));
}

/** @nestjs/passport, passport-jwt and jwks-rsa, as Auth0's guide for Nest has them. */
export async function passportJwt(issuer) {
  const { ForbiddenException } = await import('@nestjs/common');
  const { AuthGuard, PassportModule, PassportStrategy } = await import('@nestjs/passport');
  const { default: jwksRsa } = await import('jwks-rsa');
  const { default: passport } = await import('passport-jwt');

  class JwtStrategy extends PassportStrategy(passport.Strategy) {
    constructor() {
      super({
        secretOrKeyProvider: jwksRsa.passportJwtSecret({
          cache: true,
          rateLimit: true,
          jwksRequestsPerMinute: 5,
          jwksUri: `${issuer}/jwks`,
        }),
        jwtFromRequest: passport.ExtractJwt.fromAuthHeaderAsBearerToken(),
        audience: AUDIENCE,
        issuer,
        algorithms: ['RS256', 'ES256'],
      });
    }
    validate(payload) {
      return payload;
    }
  }
  class PassportGuard extends AuthGuard('jwt') {
    handleRequest(error, user, info, context) {
      const claims = super.handleRequest(error, user, info, context);
      if (!holdsScope(claims)) throw new ForbiddenException();
      return claims;
    }
  }
  return { imports: [PassportModule], providers: [JwtStrategy], guard: PassportGuard };
}

/** Middleware, on Express only. Nest would answer 500 to its errors: they are answered as Express does. */
export async function expressOAuth2JwtBearer(issuer) {
  const { auth, requiredScopes } = await import('express-oauth2-jwt-bearer');
  return [auth({ issuerBaseURL: issuer, audience: AUDIENCE }), requiredScopes(SCOPE)].map(
    (middleware) => (request, response, next) =>
      middleware(request, response, (error) =>
        error ? response.status(error.status).set(error.headers).end() : next(),
      ),
  );
}
