/** A real nginx that ends TLS in front of the API: whose certificate counts, and whose header does not. */
import { Controller, Get } from '@nestjs/common';
import { certificateFromHeader } from 'nestjs-resource-server';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { makeAuthority, type Authority, type Certificate } from '../support/certificates.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { answers, freePort } from '../support/ports.js';
import { describeWith } from '../support/redis.js';

const NGINX = ['nginx', '/usr/sbin/nginx'].find((path) => spawnSync(path, ['-v']).status === 0);

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
}

/** As docs/sender-constrained-tokens.md has it. */
function configure(folder: string, port: number, upstream: string): string {
  return `
    daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http {
      access_log off;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
      uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
        ssl_verify_client optional_no_ca;
        location / {
          proxy_pass ${upstream};
          proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
        }
      }
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
      app = await bootApp(
        { ...issuer.options, certificateResolver },
        { platform, controllers: [ThingsController] },
      );
      port = await freePort();
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
    ): Promise<number> =>
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
            headers: { ...bearer(token), ...headers },
            ...tls,
          },
          (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
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
  });
});
