/** Requests as bytes, many at once: HTTP/1.1 pipelining on a few connections, or one connection for one request. */
import { connect } from 'node:net';

/** Node answers 431 past 16 KiB and hangs up: such requests get a connection of their own. */
const LARGEST_PIPELINED = 15_000;
/** What no HTTP client can write into a field value, and no pipeline survives (RFC 9110 section 5.5). */
// oxlint-disable-next-line no-control-regex
const UNSENDABLE = /[\0-\x08\x0a-\x1f\x7f]/;

export class Wire {
  #connections;
  #next = 0;
  /** Requests sent. */
  count = 0;

  constructor(port, connections = 4) {
    this.port = port;
    this.#connections = Array.from({ length: connections }, () => new Connection(port));
  }

  /**
   * @param {string} path
   * @param {readonly (readonly [string, string])[]} headers as they go onto the wire, in latin1
   * @returns {Promise<{ status: number, head: string, body: string }>} status 0: hung up without an answer
   */
  get(path, headers = []) {
    this.count++;
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const bytes = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${lines}\r\n`;
    if (bytes.length > LARGEST_PIPELINED || headers.some((pair) => UNSENDABLE.test(pair.join(''))))
      return new Connection(this.port).sendAlone(bytes);
    return this.#connections[this.#next++ % this.#connections.length].send(bytes);
  }

  /** Any bytes at all, on a connection of their own. */
  raw(bytes) {
    this.count++;
    return new Connection(this.port).sendAlone(bytes);
  }

  close() {
    this.#connections.forEach((each) => each.destroy());
  }
}

class Connection {
  #socket;
  #waiting = [];
  #buffer = '';
  #alone = false;
  #toWrite = '';

  constructor(port) {
    this.port = port;
  }

  send(bytes) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#toWrite === '') queueMicrotask(() => this.#flush());
      this.#toWrite += bytes;
    });
  }

  /** One request, the end of the stream, one answer: a server that goes on waiting for more sees that none comes. */
  sendAlone(bytes) {
    this.#alone = true;
    return this.send(bytes);
  }

  destroy() {
    this.#socket?.destroy();
  }

  #flush() {
    const socket = (this.#socket ??= this.#open());
    const bytes = this.#toWrite;
    this.#toWrite = '';
    if (this.#alone) socket.end(bytes, 'latin1');
    else socket.write(bytes, 'latin1');
  }

  #open() {
    const socket = connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#read(text));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#socket = undefined;
      this.#buffer = '';
      for (const resolve of this.#waiting.splice(0)) resolve({ status: 0, head: '', body: '' });
    });
    return socket;
  }

  #read(text) {
    this.#buffer += text;
    for (;;) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = this.#buffer.slice(0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#buffer.length < end + 4 + length) return;
      const body = this.#buffer.slice(end + 4, end + 4 + length);
      this.#buffer = this.#buffer.slice(end + 4 + length);
      const status = Number(head.slice(9, 12));
      this.#waiting.shift()?.({ status, head, body });
      if (this.#alone) this.#socket?.destroy();
    }
  }
}
