/** `issuer`, as a user runs it: what it prints is what an application and curl need, and only this machine reaches it. */
import { execFile, spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { parseEnv, promisify } from 'node:util';
import { Controller, Get, Post } from '@nestjs/common';
import { Groups, Introspect, Public, Scopes } from 'nestjs-resource-server';
import { bootApp, PLATFORMS } from '../support/app.js';
import { buildCli, type Cli, type Running } from '../support/cli.js';
import { send } from '../support/http.js';
import { freePort } from '../support/ports.js';
import { runCli } from '../support/run-cli.js';

@Controller('products')
@Scopes('read:products')
class ProductsController {
  @Get() list(): string {
    return 'list';
  }
  @Post() @Scopes('write:products') @Groups('ops') create(): string {
    return 'created';
  }
  @Get('fresh') @Introspect() fresh(): string {
    return 'fresh';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
}

const STARTED = 'Stop it with Ctrl-C.';

let cli: Cli;
let running: Running | undefined;

beforeAll(() => {
  cli = buildCli();
});
afterAll(() => cli.remove());
afterEach(async () => {
  await running?.stop('SIGKILL');
  running = undefined;
});

async function start(...args: readonly string[]): Promise<string> {
  running = cli.start(['issuer', ...args]);
  return running.says(STARTED);
}

const variablesIn = (screen: string): NodeJS.Dict<string> =>
  parseEnv(
    screen
      .split('\n')
      .filter((line) => /^[A-Z_]+=[^$]/.test(line))
      .join('\n'),
  );

const issuerIn = (screen: string): string => variablesIn(screen)['MONOCLOUD_BACKEND_TENANT_DOMAIN'] ?? '';

/** The status that a printed line gets, run by a shell. */
async function statusOf(line: string): Promise<number> {
  const command = `${line} -s -o /dev/null -w '%{http_code}' --max-time 10`;
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  return Number(stdout);
}

const linesIn = (screen: string, beginning: string): string[] =>
  screen.split('\n').filter((line) => line.startsWith(beginning));

describe.each(PLATFORMS)('an application on %s with the variables that issuer prints', (platform) => {
  it('answers the printed requests as the README says', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/products`;
    const screen = await start('--port', '0', '--scope', 'read:products', '--url', url);
    Object.assign(process.env, variablesIn(screen));
    const app = await bootApp(undefined, { platform, controllers: [ProductsController], port });
    try {
      const [without = '', withToken = ''] = linesIn(screen, 'curl -i ');
      expect(await statusOf(without)).toBe(401);
      expect(await statusOf(withToken)).toBe(200);
      expect(await statusOf(withToken.replace('/products', '/products/fresh'))).toBe(200);
      expect(await statusOf(`${withToken} -X POST`)).toBe(403);

      const [more = ''] = linesIn(screen, 'TOKEN=');
      const call = `curl -i ${url} -X POST -H "Authorization: Bearer $TOKEN"`;
      const statusWith = (form: string): Promise<number> =>
        statusOf(
          `${more.replace('scope=read:products', `"scope=read:products write:products" ${form}`)}; ${call}`,
        );
      expect(await statusWith('')).toBe(403);
      expect(await statusWith('-d groups=ops')).toBe(201);
    } finally {
      await app.close();
      for (const name of Object.keys(variablesIn(screen))) delete process.env[name];
    }
  });
});

describe('issuer', () => {
  it('says that it is for development, and ends by Ctrl-C and by SIGTERM', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      expect(await start('--port', '0')).toContain('FOR DEVELOPMENT ONLY');
      expect(await running?.stop(signal)).toMatchObject({ code: 0, err: '' });
    }
  });

  it('ends with npx, which passes no SIGTERM on', async () => {
    const likeNpx = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, [process.argv[1], 'issuer', '--port', '0'], { stdio: 'inherit' });
      console.error(child.pid);`;
    const env = { ...process.env, npm_lifecycle_event: 'npx' };
    const npx = spawn(process.execPath, ['-e', likeNpx, cli.main], { env, stdio: 'pipe' });
    const [[pid], [screen]] = await Promise.all([once(npx.stderr, 'data'), once(npx.stdout, 'data')]);
    const issuersOutput = once(npx.stdout, 'close');
    npx.kill('SIGKILL');
    try {
      await issuersOutput;
      await expect(send(issuerIn(String(screen)))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      if (!npx.stdout.closed) process.kill(Number(pid), 'SIGKILL');
    }
  });

  it('passes the doctor, and its tokens pass explain', async () => {
    const screen = await start('--port', '0', '--scope', 'a b', '--groups', 'x, y');
    const env = variablesIn(screen) as Record<string, string>;
    const { code, out } = await runCli(['doctor', '--strict'], { env });
    expect(out).toContain('no failures, 9 passed');
    expect(code).toBe(0);
    const { text } = await send(`${issuerIn(screen)}/token`, {
      method: 'POST',
      headers: { accept: 'text/plain' },
    });
    const explained = await runCli(['explain', '--scope', 'b', '--group', 'y'], { env, input: text });
    expect(explained).toMatchObject({ code: 0, out: expect.stringContaining('accepted') });
  });

  it('gives tokens that have to be introspected with --opaque', async () => {
    const screen = await start('--port', '0', '--opaque');
    const [, withToken = ''] = linesIn(screen, 'curl -i ');
    expect(withToken).toMatch(/Bearer [\w-]{32}"$/);
    const { body } = await send(`${issuerIn(screen)}/token`, { method: 'POST' });
    expect((body as { access_token: string }).access_token).toMatch(/^[\w-]{32}$/);
    expect(screen).not.toContain('And for opaque tokens');
  });

  it('keeps its variables and not its key over a restart', async () => {
    const port = String(await freePort());
    const first = await start('--port', port);
    const keysOf = async (): Promise<string> => (await send(`http://127.0.0.1:${port}/jwks`)).text;
    const before = await keysOf();
    await running?.stop();
    expect(variablesIn(await start('--port', port))).toEqual(variablesIn(first));
    expect(await keysOf()).not.toBe(before);
  });

  it('prints variables of another prefix, audience and port', async () => {
    const port = String(await freePort());
    const screen = await start('--port', port, '--prefix', 'ORDERS_', '--audience', 'urn:orders');
    expect(variablesIn(screen)).toEqual({
      ORDERS_TENANT_DOMAIN: `http://127.0.0.1:${port}`,
      ORDERS_AUDIENCE: 'urn:orders',
      ORDERS_CLIENT_ID: 'test-api',
      ORDERS_CLIENT_SECRET: 'development-only',
    });
  });

  it('says which port is in use, and how to take another one', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, out, err } = await runCli(['issuer', '--port', String(port)]);
    other.close();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(`nestjs-resource-server: port ${port} is in use; choose another one with --port\n`);
  });

  it('is not to be reached by another address of this machine', async () => {
    const port = Number(new URL(issuerIn(await start('--port', '0'))).port);
    const addresses = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ address }) => address !== '127.0.0.1' && !address.startsWith('fe80'))
      .map(({ address }) => address);
    // 127.0.0.2 is loopback, too, and nobody listens there: there is at least one.
    for (const address of [...addresses, '127.0.0.2']) {
      const socket = connect(port, address);
      const outcome = await Promise.race([
        once(socket, 'connect').then(() => 'connected'),
        once(socket, 'error').then(() => 'refused'),
      ]).catch(() => 'refused');
      socket.destroy();
      expect([address, outcome]).toEqual([address, 'refused']);
    }
  });

  it.each([
    [['--host', '0.0.0.0'], {}, 'the issuer listens on 127.0.0.1 only'],
    [['--host', '::'], {}, 'the issuer listens on 127.0.0.1 only'],
    [['--host', ''], {}, 'the issuer listens on 127.0.0.1 only'],
    [[], { NODE_ENV: 'production' }, 'NODE_ENV is production'],
    [['token'], {}, 'issuer takes options only'],
    [['--port', '70000'], {}, '--port takes a whole number from 0 to 65535'],
    [['--port', '4e3'], {}, '--port takes a whole number'],
    [['--expires-in', '0'], {}, '--expires-in takes a whole number from 1'],
    [['--scope', 'a"b'], {}, '--scope takes names of scopes'],
    [['--audience', ' '], {}, '--audience is blank'],
    [['--url', 'localhost:3000'], {}, '--url takes the URL of a route'],
    [['--scopes', 'a'], {}, "Unknown option '--scopes'"],
  ])('refuses %j with %j', async (args, env, message) => {
    const { code, out, err } = await runCli(['issuer', '--port', '0', ...args], { env });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });
});
