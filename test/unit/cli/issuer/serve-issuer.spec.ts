/** The command in this process: what it writes, what it listens to, and what is left when it is told to stop. */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { readIssuerCommand, type IssuerCommand } from '../../../../lib/cli/issuer/issuer-arguments.js';
import { serveIssuer } from '../../../../lib/cli/issuer/serve-issuer.js';
import { send } from '../../../support/http.js';

function commandOf(...args: string[]): IssuerCommand {
  const command = readIssuerCommand(['--port', '0', ...args], {});
  if (command.name === 'help') throw new Error('not asked for');
  return command;
}

/** What was printed, once it is there; the command goes on until `stop`. */
async function serve(command: IssuerCommand) {
  const written = { out: '', err: '' };
  const events = new EventEmitter();
  const printed = once(events, 'printed');
  const ended = serveIssuer(
    command,
    {
      out: (text) => {
        written.out += text;
        events.emit('printed');
      },
      err: (text) => {
        written.err += text;
      },
    },
    () => once(events, 'stop'),
  );
  await Promise.race([printed, ended]);
  const stop = (): Promise<number> => {
    events.emit('stop');
    return ended;
  };
  return { written, stop };
}

const endpointIn = (out: string): string => /http:\/\/127\.0\.0\.1:\d+\/token/.exec(out)?.[0] ?? '';

describe('serveIssuer', () => {
  it('gives tokens until it is told to stop, and none afterwards', async () => {
    const { written, stop } = await serve(commandOf());
    const endpoint = endpointIn(written.out);
    expect((await send(endpoint, { method: 'POST' })).status).toBe(200);
    expect(await stop()).toBe(0);
    await expect(send(endpoint, { method: 'POST' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(written.err).toBe('');
  });

  it('ends with 1 where the port is in use', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const { written, stop } = await serve({ ...commandOf(), port });
    expect(await stop()).toBe(1);
    expect(written).toEqual({ out: '', err: expect.stringContaining(`port ${port} is in use`) });
    other.close();
  });

  it.each([
    [['--scope', 'read:products'], '-d scope=read:products'],
    [['--scope', 'read', '--scope', 'write pay'], '-d "scope=read write pay"'],
    // Nothing that a shell would read as its own.
    [['--scope', "$(id) `id` a'b &"], '-d scope=%24%28id%29+%60id%60+a%27b+%26'],
    [[], '-d scope=read:products'],
  ])('prints requests for %j that a shell takes as they are', async (args, expected) => {
    const { written, stop } = await serve(commandOf(...args));
    expect(written.out.split('\n').filter((line) => line.endsWith(expected))).toHaveLength(1);
    expect(written.out).toContain(`${expected})`);
    await stop();
  });

  it('prints what the documentation shows', async () => {
    const page = readFileSync('docs/development-issuer.md', 'utf8');
    const [, shown = ''] = /^```\n(\*\*\*.*?)^```$/ms.exec(page) ?? [];
    const url = 'http://localhost:3001/products';
    const { written, stop } = await serve(commandOf('--scope', 'read:products', '--url', url));
    await stop();
    const withoutPort = written.out.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:4100');
    expect(withoutPort.replace(/Bearer [\w.-]+/, /Bearer [\w…]+/.exec(shown)?.[0] ?? '')).toBe(`\n${shown}`);
  });

  it('says what the printed token holds', async () => {
    const { written, stop } = await serve(
      commandOf('--sub', 'ada', '--scope', 'a b', '--groups', 'x, y', '--groups', 'z', '--expires-in', '60'),
    );
    expect(written.out).toContain('(sub ada; scope a b; groups x, y, z; valid for 60 s)');
    const [, payload = ''] = /Bearer [\w-]+\.([\w-]+)\./.exec(written.out) ?? [];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number; iat: number };
    expect(claims).toMatchObject({ sub: 'ada', scope: 'a b', groups: ['x', 'y', 'z'] });
    expect(claims.exp - claims.iat).toBe(60);
    await stop();
  });
});
