/** A real Redis: that of REDIS_URL, or one of a test's own that it may kill. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { answers, freePort } from './ports.js';

export const REDIS_URL = process.env['REDIS_URL'];

/** Debian's redis-server, for tests that kill it. */
export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;

/**
 * Runs the tests, or says clearly why not. In CI they have to run.
 */
export function describeWith(available: boolean, wanted: string, name: string, tests: () => void): void {
  if (available) return describe(name, tests);
  describe(name, () => {
    it(`is NOT TESTED here: ${wanted}`, () => {
      process.stdout.write(`\n${name}: not tested, ${wanted}\n`);
      expect(process.env['CI'] ?? '').toBe('');
    });
  });
}

export class OwnRedis {
  private constructor(
    private child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(port?: number): Promise<OwnRedis> {
    const free = port ?? (await freePort());
    const child = spawn(
      'redis-server',
      [
        '--port',
        String(free),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--loglevel',
        'warning',
      ],
      { stdio: 'ignore' },
    );
    child.unref();
    await answers(free);
    return new OwnRedis(child, free);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** As the machine's power does. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }

  async restart(): Promise<void> {
    ({ child: this.child } = await OwnRedis.start(this.port));
  }
}
