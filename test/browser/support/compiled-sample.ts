/** A sample as its start.js runs it, compiled from the sources of now into a folder of its own: others may build meanwhile. */
import { transformFile } from '@swc/core';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export class CompiledSample {
  private constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {}

  /** @param served folders of the sample whose files its programs read */
  static async make(name = 'monoshop', served: readonly string[] = []): Promise<CompiledSample> {
    const folder = await mkdtemp(join(tmpdir(), `${name}-`));
    const identity = {
      name: 'nestjs-resource-server',
      type: 'module',
      exports: './lib/index.js',
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify(identity));
    await symlink(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
    await mkdir(join(folder, 'sample/node_modules'), { recursive: true });
    await symlink(folder, join(folder, 'sample/node_modules/nestjs-resource-server'), 'junction');
    await cp('sample/package.json', join(folder, 'sample/package.json'));
    await compile('lib', join(folder, 'lib'));
    for (const each of [name, 'support'])
      await compile(join('sample', each), join(folder, 'sample/dist', each));
    for (const each of served)
      await cp(join('sample', name, each), join(folder, 'sample', name, each), { recursive: true });
    return new CompiledSample(folder, name);
  }

  /** The folder of its compiled start.js. */
  get url(): URL {
    return pathToFileURL(join(this.folder, 'sample/dist', this.name, '/'));
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function compile(from: string, to: string): Promise<void> {
  const files = await readdir(from, { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.startsWith('web/'))) {
    const { code } = await transformFile(join(from, file), {
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        target: 'es2022',
      },
      module: { type: 'es6' },
    });
    const target = join(to, file.replace(/ts$/, 'js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}

/** What Next.js runs is its own build, in its own folder: made unless it is there. */
export function buildWeb(): URL {
  const { status, stderr } = spawnSync(process.execPath, ['tools/build-web.js'], { encoding: 'utf8' });
  if (status !== 0 || !existsSync('sample/monoshop/web/.next')) throw new Error(`no front end: ${stderr}`);
  return pathToFileURL(resolve('sample/monoshop/web/main.js'));
}
