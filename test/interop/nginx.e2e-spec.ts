/** A real nginx that ends TLS in front of the API: whose certificate counts, and whose header does not. */
import { certificateFromHeader } from 'nestjs-resource-server';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { makeAuthority, type Authority, type Certificate } from '../support/certificates.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { answers, freePort } from '../support/ports.js';
import { describeWith } from '../support/redis.js';

const NGINX = ['nginx', '/usr/sbin/nginx'].find((path) => spawnSync(path, ['-v']).status === 0);

/** docs/deploy/nginx.conf, with the addresses and certificates of this test. */
function configure(folder: string, port: number, upstream: string): string {
  const server = readFileSync('docs/deploy/nginx.conf', 'utf8')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('server 127.0.0.1:3000', `server ${new URL(upstream).host}`)
    .replace('/etc/nginx/api.example.com.pem', `${folder}/cert.pem`)
    .replace('/etc/nginx/api.example.com-key.pem', `${folder}/key.pem`);
  return `
    daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http {
      access_log off;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      ${server}
    }`;
}

describeWith(NGINX !== undefined, 'install nginx', 'a real nginx in front', () => {
  describe.each(PLATFORMS)('of %s', (platform) => {
    let issuer: Issuer;
    let app: TestApp;
    let authority: Authority;
    let client: Certificate;
    let thief: Certificate;
    let nginx: ChildProcess;
    let port: number;
    let publicUrl: string;
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-resource-server-nginx-'));

    beforeAll(async () => {
      authority = await makeAuthority();
      const server = await authority.issue({ commonName: 'localhost', san: ['127.0.0.1'] });
      [client, thief] = [
        await authority.issue({ commonName: 'client' }),
        await authority.issue({ commonName: 'thief' }),
      ];
      issuer = await Issuer.start();
      const certificateResolver = certificateFromHeader({
        format: 'nginx',
        header: 'x-ssl-client-cert',
        trustedProxies: ['loopback'],
      });
      port = await freePort();
      publicUrl = `https://127.0.0.1:${port}`;
      app = await bootApp({ ...issuer.options, certificateResolver, publicUrl }, { platform });
      writeFileSync(join(folder, 'cert.pem'), server.cert);
      writeFileSync(join(folder, 'key.pem'), server.key);
      writeFileSync(join(folder, 'nginx.conf'), configure(folder, port, app.origin));
      nginx = spawn(NGINX ?? '', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
      await answers(port);
    });
    afterAll(async () => {
      nginx.kill('SIGTERM');
      await app.close();
      await issuer.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const call = (
      token: string,
      certificate?: Certificate,
      headers: Record<string, string> = {},
    ): Promise<number | undefined> =>
      ask({ ...bearer(token), ...headers }, certificate).then(({ statusCode }) => statusCode);

    const ask = (headers: Record<string, string>, certificate?: Certificate): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const tls = {
          ca: authority.cert,
          ...(certificate && { cert: certificate.cert, key: certificate.key }),
        };
        request(
          {
            host: '127.0.0.1',
            port,
            path: '/things',
            agent: new Agent(),
            headers,
            ...tls,
          },
          (response) => response.resume().on('end', () => resolve(response)),
        )
          .on('error', reject)
          .end();
      });

    it('holds a bound token to the certificate that nginx saw', async () => {
      const bound = createHash('sha256').update(client.der).digest('base64url');
      const token = issuer.token({ claims: { cnf: { 'x5t#S256': bound } } });
      const claimed = { 'X-SSL-Client-Cert': encodeURIComponent(client.cert) };
      expect(await call(token, client)).toBe(200);
      expect(await call(token, thief)).toBe(401);
      expect(await call(token)).toBe(401);
      // nginx overwrites what the client claims.
      expect(await call(token, thief, claimed)).toBe(401);
      expect(await call(token, undefined, claimed)).toBe(401);
      expect(await call(issuer.token())).toBe(200);
    });

    it('passes challenges on, and tokens that are longer than its own default', async () => {
      expect((await ask({})).headers['www-authenticate']).toMatch(/^Bearer/);
      const long = issuer.token({ claims: { groups: ['g'.repeat(8000)] } });
      expect(await call(long)).toBe(200);
    });

    it('passes a DPoP proof on for the URL that the client called, once', async () => {
      const dpop = await DPoPClient.make();
      const token = issuer.token({ claims: { cnf: { jkt: dpop.jkt } } });
      const headers = dpop.headers({ url: `${publicUrl}/things`, token });
      expect((await ask(headers)).statusCode).toBe(200);
      expect((await ask(headers)).statusCode).toBe(401);
      expect((await ask(dpop.headers({ url: `${app.origin}/things`, token }))).statusCode).toBe(401);
    });
  });
});
