/** Keys that can be exported while garbage is collected: those of Node.js 20 itself stop the process for ever. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createPublicKey, sign, verify } from 'node:crypto';
import { generateKeys } from '../../../lib/testing/generate-keys.js';

const INPUT = Buffer.from('input');

/** Not in node_modules, which hold tens of thousands of files. */
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sources(path);
    return /\.(ts|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}

it.each([
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ed25519', {}],
] as const)('makes a pair: %s', (type, options) => {
  const { publicKey, privateKey } = generateKeys(type, options);
  const digest = type === 'ed25519' ? null : 'sha256';
  const signature = sign(digest, INPUT, privateKey);
  expect(verify(digest, INPUT, publicKey, signature)).toBe(true);
  expect(createPublicKey(privateKey).export({ format: 'jwk' })).toEqual(publicKey.export({ format: 'jwk' }));
});

it('makes keys that are exported again and again while garbage is collected', () => {
  // In a process of its own, which can be ended.
  const program = `
    import { generateKeys } from ${JSON.stringify(resolve('test/support/generate-keys.js'))};
    const kept = [];
    for (let i = 0; i < 20000; i++) kept[i % 100] = generateKeys('ed25519').privateKey.export({ format: 'jwk' });
  `;
  const { status, signal } = spawnSync(
    process.execPath,
    ['--max-semi-space-size=1', '--input-type=module', '--eval', program],
    { timeout: 60_000, killSignal: 'SIGKILL' },
  );
  expect([status, signal]).toEqual([0, null]);
}, 70_000);

it('is how all keys are made that are exported', () => {
  const files = ['lib', 'test', 'bench', 'sample'].flatMap(sources);
  const direct = files.filter((file) => readFileSync(file, 'utf8').includes('generateKeyPairSync('));
  expect(direct.filter((file) => !/generate-keys/.test(file))).toEqual(['sample/support/idp/keys.ts']);
});
