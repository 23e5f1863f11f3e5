/** How does nginx live and die with the sample? As the child of this process, which passes on what stops it. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeConf } from './nginx-conf.js';

const { NGINX = 'nginx', NGINX_FOLDER = '', TLS_CERTIFICATE = '', TLS_KEY = '' } = process.env;
const PORT = 4031;
const UPSTREAM = 4032;

const conf = join(NGINX_FOLDER, 'nginx.conf');
writeFileSync(conf, writeConf(NGINX_FOLDER, PORT, UPSTREAM, TLS_CERTIFICATE, TLS_KEY));
const nginx = spawn(NGINX, ['-p', NGINX_FOLDER, '-c', conf], { stdio: ['ignore', 'inherit', 'inherit'] });

/** What follows when nginx has ended; by itself, it should not. */
let leave = (): void => process.exit(1);
nginx.once('exit', () => leave());
nginx.once('error', (error) => {
  console.error(error.message);
  leave();
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    leave = () => process.kill(process.pid, signal);
    nginx.kill('SIGTERM');
  });
}

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => {
  leave = () => process.exit();
  nginx.kill('SIGTERM');
});
