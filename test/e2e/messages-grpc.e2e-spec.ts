/** Message handlers over gRPC: metadata, status codes that clients see, streams in both directions, and mutual TLS. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  ServerCredentials,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type ServerDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller, type ExecutionContext, type INestMicroservice } from '@nestjs/common';
import {
  Ctx,
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import {
  AccessToken,
  CertBound,
  Claims,
  claimsOf,
  CurrentUser,
  OptionalAuth,
  Public,
  Scopes,
  TokenError,
  TokenRevocations,
} from 'nestjs-resource-server';
import { firstValueFrom, interval, map, Observable, reduce, startWith, Subject, take, tap } from 'rxjs';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import { makeAuthority, type Certificate } from '../support/certificates.js';
import { advanceClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import { startMicroservice } from '../support/messages.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { answers, freePort } from '../support/ports.js';

interface Text {
  readonly text: string;
}
type Callback = (error: ServiceError | null, reply?: Text) => void;
type Call<Reply> = (metadata: Metadata) => Reply;
interface ThingsClient {
  read(request: Text, metadata: Metadata, callback: Callback): void;
  open(request: Text, metadata: Metadata, callback: Callback): void;
  remove(request: Text, metadata: Metadata, callback: Callback): void;
  bound(request: Text, metadata: Metadata, callback: Callback): void;
  watch(request: Text, metadata: Metadata): ClientReadableStream<Text>;
  upload(metadata: Metadata, callback: Callback): ClientWritableStream<Text>;
  rawUpload(metadata: Metadata, callback: Callback): ClientWritableStream<Text>;
  chat: Call<ClientDuplexStream<Text, Text>>;
  raw: Call<ClientDuplexStream<Text, Text>>;
  close(): void;
}

const protoPath = fileURLToPath(new URL('../support/things.proto', import.meta.url));
const { things } = loadPackageDefinition(loadSync(protoPath)) as unknown as {
  things: { Things: new (address: string, credentials: ChannelCredentials) => ThingsClient };
};

const ran = new Subject<string>();

@Controller()
class Things {
  @GrpcMethod()
  read(
    @Payload() { text }: Text,
    @Ctx() metadata: Metadata & { readonly user?: unknown },
    @Claims('sub') sub: string,
    @AccessToken() token: string,
    @CurrentUser() user: unknown,
  ): Text {
    ran.next('read');
    const isUser = metadata.user === user && user === claimsOf(metadata);
    return { text: `${text} ${sub} ${token.length} ${isUser}` };
  }

  @GrpcMethod()
  @Public()
  open(@Claims() claims: unknown): Text {
    return { text: String(claims) };
  }

  @GrpcMethod()
  @Scopes('remove:things')
  remove({ text }: Text): Text {
    ran.next('remove');
    if (text === 'throw') throw new TokenError('insufficient_groups');
    return { text: 'removed' };
  }

  @GrpcMethod()
  @CertBound()
  bound(): Text {
    return { text: 'bound' };
  }

  @GrpcMethod()
  watch(): Observable<Text> {
    return interval(20).pipe(
      startWith(0),
      map((n) => ({ text: String(n) })),
      tap({ unsubscribe: () => ran.next('watch unsubscribed') }),
    );
  }

  @GrpcStreamMethod()
  @Scopes('write:things')
  upload(messages: Observable<Text>): Observable<Text> {
    ran.next('upload');
    return messages.pipe(
      tap(({ text }) => ran.next(`uploaded ${text}`)),
      reduce((all, { text }) => all + text, ''),
      tap((all) => ran.next(`saved ${all}`)),
      map((text) => ({ text })),
    );
  }

  /** As the documentation of Nest has it: subscribed here, and without an error callback. */
  @GrpcStreamMethod()
  chat(messages: Observable<Text>): Observable<Text> {
    ran.next('chat');
    const replies = new Subject<Text>();
    messages.subscribe({
      next: (message) => {
        ran.next(`chat ${message.text}`);
        replies.next(message);
      },
      complete: () => replies.complete(),
    });
    return replies;
  }

  @GrpcStreamCall()
  @OptionalAuth()
  raw(call: ServerDuplexStream<Text, Text>): void {
    ran.next('raw');
    call.on('data', (message: Text) => {
      ran.next(`raw ${message.text}`);
      call.write({ text: `${message.text} ${claimsOf(call.metadata)?.sub ?? 'nobody'}` });
    });
    call.on('end', () => call.end());
  }

  @GrpcStreamCall()
  @Scopes('write:things')
  rawUpload(call: ServerDuplexStream<Text, Text>, callback: Callback): void {
    ran.next('rawUpload');
    call.on('data', (message: Text) => ran.next(`rawUpload ${message.text}`));
    call.on('end', () => callback(null, { text: 'all' }));
  }
}

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly errorCode: unknown;
}
const outcomeOf = (error: ServiceError): Outcome => ({
  code: error.code,
  details: error.details,
  errorCode: error.metadata.get('error-code')[0],
});

const UNAUTHENTICATED = { code: 16, details: 'unauthorized', errorCode: 'invalid_token' };
const MISSING = { ...UNAUTHENTICATED, errorCode: 'missing_token' };
const DENIED = { code: 7, details: 'forbidden', errorCode: 'insufficient_scope' };

const withHeader = (...values: readonly (string | Buffer)[]): Metadata => {
  const metadata = new Metadata();
  for (const value of values)
    metadata.add(typeof value === 'string' ? 'authorization' : 'authorization-bin', value);
  return metadata;
};

const grpc = async (options: object = {}): Promise<{ url: string; microservice: MicroserviceOptions }> => {
  const url = `127.0.0.1:${await freePort()}`;
  return {
    url,
    microservice: { transport: Transport.GRPC, options: { url, package: 'things', protoPath, ...options } },
  };
};

/** What the test ran, from now on. */
function watchCalls(): readonly string[] {
  const calls: string[] = [];
  ran.subscribe((call) => calls.push(call));
  return calls;
}

/** Until the end of a stream: its messages, and why it ended. */
function drain(stream: ClientReadableStream<Text>, onMessage?: (text: string) => void) {
  const texts: string[] = [];
  return new Promise<{ readonly texts: readonly string[]; readonly end: Outcome | 'completed' }>(
    (resolve) => {
      stream.on('data', ({ text }: Text) => {
        texts.push(text);
        onMessage?.(text);
      });
      stream.on('error', (error: ServiceError) => resolve({ texts, end: outcomeOf(error) }));
      stream.on('end', () => resolve({ texts, end: 'completed' }));
    },
  );
}

describe('messages over gRPC', () => {
  let issuer: Issuer;
  let app: INestMicroservice;
  let client: ThingsClient;
  let port: number;
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(reason);

  beforeAll(async () => {
    process.on('unhandledRejection', onRejection);
    issuer = await Issuer.start();
    const { url, microservice } = await grpc();
    port = Number(url.split(':')[1]);
    app = await startMicroservice(issuer.options, microservice, { controllers: [Things] });
    client = new things.Things(url, credentials.createInsecure());
  });
  afterEach(() => expect(rejections.splice(0)).toEqual([]));
  afterAll(async () => {
    process.off('unhandledRejection', onRejection);
    client.close();
    await app.close();
    await issuer.close();
  });

  const bearer = (parts: Parameters<Issuer['token']>[0] = {}): Metadata =>
    withHeader(`Bearer ${issuer.token(parts)}`);
  const shortLived = (): Metadata => bearer({ claims: { exp: Math.floor(Date.now() / 1000) + 60 } });
  const call = (
    method: 'read' | 'open' | 'remove' | 'bound',
    metadata = new Metadata(),
    text = 'x',
    on: ThingsClient = client,
  ): Promise<Text | Outcome> =>
    new Promise((resolve) =>
      on[method]({ text }, metadata, (error, reply) => resolve(error ? outcomeOf(error) : (reply as Text))),
    );
  const write = (
    method: 'upload' | 'rawUpload',
    metadata: Metadata,
  ): { readonly stream: ClientWritableStream<Text>; readonly answer: Promise<Text | Outcome> } => {
    let stream!: ClientWritableStream<Text>;
    const answer = new Promise<Text | Outcome>((resolve) => {
      stream = client[method](metadata, (error, reply) =>
        resolve(error ? outcomeOf(error) : (reply as Text)),
      );
    });
    return { stream, answer };
  };
  const untilRan = (wanted: string): Promise<unknown> =>
    new Promise<void>((resolve) => {
      const watching = ran.subscribe((each) => {
        if (each !== wanted) return;
        watching.unsubscribe();
        resolve();
      });
    });

  it('passes the claims of a good token to the handler', async () => {
    const token = issuer.token();
    expect(await call('read', withHeader(`Bearer ${token}`))).toEqual({
      text: `x user-1 ${token.length} true`,
    });
    expect(await call('open')).toEqual({ text: 'undefined' });
    expect(await call('open', withHeader('Bearer garbage'))).toEqual({ text: 'undefined' });
  });

  it.each<[string, () => Metadata, object]>([
    ['without a token', () => new Metadata(), MISSING],
    ['with garbage', () => withHeader('Bearer garbage'), UNAUTHENTICATED],
    ['with an expired token', () => bearer({ claims: { exp: 1 } }), UNAUTHENTICATED],
    [
      'with a list',
      () => withHeader(`Bearer ${issuer.token()}, Bearer x`),
      { code: 16, details: 'bad request', errorCode: 'invalid_request' },
    ],
    ['with binary metadata', () => withHeader(Buffer.from(`Bearer ${issuer.token()}`)), MISSING],
    ['with 60 KB', () => withHeader(`Bearer ${keepSecret('x'.repeat(15_000))}`), UNAUTHENTICATED],
    [
      'with a certificate-bound token',
      () => bearer({ claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } }),
      UNAUTHENTICATED,
    ],
    ['with a DPoP-bound token', () => bearer({ claims: { cnf: { jkt: 'A'.repeat(43) } } }), UNAUTHENTICATED],
  ])('refuses a call %s', async (_, metadata, outcome) => {
    const calls = watchCalls();
    expect(await call('read', metadata())).toEqual(outcome);
    expect(calls).toEqual([]);
  });

  it('refuses a good token without a scope, also where a handler says so', async () => {
    expect(await call('remove', bearer())).toEqual(DENIED);
    const scoped = bearer({ claims: { scope: 'remove:things' } });
    expect(await call('remove', scoped)).toEqual({ text: 'removed' });
    expect(await call('remove', scoped, 'throw')).toEqual(DENIED);
    expect(await call('bound', bearer())).toEqual(UNAUTHENTICATED);
  });

  it('tells a client what would do in trailers', async () => {
    const error = await new Promise<ServiceError | null>((resolve) =>
      client.remove({ text: '' }, bearer(), (each) => resolve(each)),
    );
    expect(error?.metadata.get('www-authenticate')).toEqual([
      'Bearer error="insufficient_scope", scope="remove:things"',
    ]);
  });

  it('refuses streams before a handler runs', async () => {
    const calls = watchCalls();
    expect(await drain(client.watch({ text: '' }, new Metadata()))).toEqual({ texts: [], end: MISSING });
    for (const method of ['upload', 'rawUpload'] as const) {
      const { stream, answer } = write(method, bearer({ claims: { scope: 'other' } }));
      stream.write({ text: 'a' });
      expect(await answer).toEqual(DENIED);
    }
    const chat = client.chat(new Metadata());
    chat.write({ text: 'a' });
    expect((await drain(chat)).end).toEqual(MISSING);
    const raw = client.raw(withHeader('Bearer garbage'));
    raw.write({ text: 'a' });
    expect((await drain(raw)).end).toEqual(UNAUTHENTICATED);
    expect(calls).toEqual([]);
  });

  it('lets streams of good tokens work as ever', async () => {
    const upload = write('upload', bearer());
    for (const text of ['a', 'b']) upload.stream.write({ text });
    upload.stream.end();
    expect(await upload.answer).toEqual({ text: 'ab' });
    const rawUpload = write('rawUpload', bearer());
    rawUpload.stream.end({ text: 'a' });
    expect(await rawUpload.answer).toEqual({ text: 'all' });
    const chat = client.chat(bearer());
    for (const text of ['a', 'b']) chat.write({ text });
    chat.end();
    expect(await drain(chat)).toEqual({ texts: ['a', 'b'], end: 'completed' });
    const raw = client.raw(bearer());
    raw.write({ text: 'a' });
    raw.end();
    expect(await drain(raw)).toEqual({ texts: ['a user-1'], end: 'completed' });
    const anonymous = client.raw(new Metadata());
    anonymous.end({ text: 'a' });
    expect(await drain(anonymous)).toEqual({ texts: ['a nobody'], end: 'completed' });
  });

  it('ends a server stream with its token', async () => {
    const stopped = firstValueFrom(ran);
    const ended = drain(client.watch({ text: '' }, shortLived()), (text) => {
      if (text === '1') advanceClock(400);
    });
    expect((await ended).end).toEqual(UNAUTHENTICATED);
    expect(await stopped).toBe('watch unsubscribed');
  });

  it('ends a client stream with its token, and saves no half of it', async () => {
    const calls = watchCalls();
    const { stream, answer } = write('upload', shortLived());
    const uploaded = untilRan('uploaded a');
    stream.write({ text: 'a' });
    await uploaded;
    advanceClock(400);
    expect(await answer).toEqual(UNAUTHENTICATED);
    stream.write({ text: 'b' });
    stream.end();
    await call('open');
    expect(calls).toEqual(['upload', 'uploaded a']);
  });

  it.each(['chat', 'raw'] as const)('ends the bidirectional stream %s with its token', async (method) => {
    const calls = watchCalls();
    const stream = client[method](shortLived());
    const ended = drain(stream, () => {
      advanceClock(400);
    });
    stream.write({ text: 'a' });
    expect((await ended).end).toEqual(UNAUTHENTICATED);
    stream.write({ text: 'b' });
    await call('open');
    expect(calls).toEqual([method, `${method} a`]);
  });

  it('ends a client stream that Nest passes through', async () => {
    const { stream, answer } = write('rawUpload', shortLived());
    const uploaded = untilRan('rawUpload a');
    stream.write({ text: 'a' });
    await uploaded;
    advanceClock(400);
    expect(await answer).toEqual(UNAUTHENTICATED);
  });

  it('ends streams of a token that is revoked long before it expires, and no others', async () => {
    const stopped = untilRan('watch unsubscribed');
    const session = (sid: string): Metadata =>
      bearer({ claims: { sid, iat: Math.floor(Date.now() / 1000) - 60 } });
    const others: string[] = [];
    const other = client.watch({ text: '' }, session('stays'));
    const otherEnded = drain(other, (text) => others.push(text));
    const upload = write('upload', session('goes'));
    const uploaded = untilRan('uploaded a');
    upload.stream.write({ text: 'a' });
    await uploaded;
    const calls = watchCalls();
    const ended = drain(client.watch({ text: '' }, session('goes')), (text) => {
      if (text === '1') void app.get(TokenRevocations, { strict: false }).revoke({ sid: 'goes' });
    });
    expect((await ended).end).toEqual(UNAUTHENTICATED);
    expect(await upload.answer).toEqual(UNAUTHENTICATED);
    await stopped;
    const before = others.length;
    await new Promise<void>((resolve) => {
      other.on('data', () => {
        if (others.length > before) resolve();
      });
    });
    const cancelled = untilRan('watch unsubscribed');
    other.cancel();
    expect((await otherEnded).end).toMatchObject({ code: 1 });
    await cancelled;
    expect(calls).not.toContain('saved a');
  });

  it('remembers no call that was cancelled while its user was looked up', async () => {
    const { url, microservice } = await grpc();
    let loading = (_call: ServerDuplexStream<Text, Text>): void => undefined;
    const asked = new Promise<ServerDuplexStream<Text, Text>>((resolve) => (loading = resolve));
    let answer = (_user: unknown): void => undefined;
    const user = new Promise((resolve) => (answer = resolve));
    const loadUser = (_claims: unknown, { context }: { readonly context: ExecutionContext }) => {
      loading(context.getArgByIndex<ServerDuplexStream<Text, Text>>(0));
      return user;
    };
    const waiting = await startMicroservice({ ...issuer.options, loadUser }, microservice, {
      controllers: [Things],
    });
    const other = new things.Things(url, credentials.createInsecure());
    const stream = other.raw(bearer());
    const ended = drain(stream);
    const pending = await asked;
    const cancelled = new Promise((resolve) => pending.once('cancelled', resolve));
    stream.cancel();
    await Promise.all([cancelled, ended]);
    const handled = untilRan('raw');
    answer({ id: 1 });
    await handled;
    expect(waiting.get(OpenStreams, { strict: false }).size).toBe(0);
    other.close();
    await waiting.close();
  });

  it('takes the first of two header lines, as Node.js hands over no other', async () => {
    const good = `Bearer ${issuer.token()}`;
    const calls = watchCalls();
    await sendHeaders(port, ['Bearer garbage', good]);
    expect(calls).toEqual([]);
    const handled = firstValueFrom(ran.pipe(take(1)));
    await sendHeaders(port, [good, 'Bearer garbage']);
    expect(await handled).toBe('read');
  });

  it('goes on after malformed frames', async () => {
    for (const bytes of ['garbage', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff']) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.end(Buffer.from(bytes, 'latin1'));
      socket.resume();
      await closed;
    }
    expect(await call('read')).toEqual(MISSING);
  });

  it('names handlers of streams in the log', async () => {
    await drain(client.chat(new Metadata()));
    expect(loggedLines()).toContainEqual(expect.stringContaining('Things.chat: 401 missing_token'));
  });
});

/** HTTP/2 by hand: Node's own client sends one header line of a name. */
async function sendHeaders(port: number, values: readonly string[]): Promise<void> {
  const literal = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.from([0]),
      ...[name, value].flatMap((each) => [lengthOf(each), Buffer.from(each)]),
    ]);
  const lengthOf = (text: string): Buffer => {
    const { length } = text;
    if (length < 127) return Buffer.from([length]);
    const bytes = [127];
    let rest = length - 127;
    for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
    return Buffer.from([...bytes, rest]);
  };
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const block = Buffer.concat([
    literal(':method', 'POST'),
    literal(':scheme', 'http'),
    literal(':path', '/things.Things/Read'),
    literal(':authority', 'localhost'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
    ...values.map((value) => literal('authorization', value)),
  ]);
  const socket = connect(port, '127.0.0.1');
  const END_HEADERS = 4;
  const END_STREAM = 1;
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(4, 0, 0, Buffer.alloc(0)));
  socket.write(frame(1, END_HEADERS, 1, block));
  socket.write(frame(0, END_STREAM, 1, Buffer.from([0, 0, 0, 0, 0])));
  // Until the server has answered on the stream.
  await new Promise<void>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
        const [type, stream] = [received.readUInt8(at + 3), received.readUInt32BE(at + 5)];
        if (type === 1 && stream === 1) return socket.destroy();
      }
      return undefined;
    });
  });
}

describe('messages over gRPC and mutual TLS', () => {
  it('takes tokens that are bound to the certificate of the client, and no others', async () => {
    const [authority, other] = await Promise.all([makeAuthority(), makeAuthority('Another')]);
    const issuer = await Issuer.start();
    const subject = { commonName: 'localhost', san: ['127.0.0.1', 'localhost'] };
    const [server, own, stolen] = await Promise.all([1, 2, 3].map(() => authority.issue(subject)));
    if (!server || !own || !stolen) throw new Error('no certificates');
    const { url, microservice } = await grpc({
      credentials: ServerCredentials.createSsl(
        Buffer.from(authority.cert),
        [{ cert_chain: Buffer.from(server.cert), private_key: Buffer.from(server.key) }],
        true,
      ),
    });
    const app = await startMicroservice(issuer.options, microservice, { controllers: [Things] });
    await answers(Number(url.split(':')[1]));
    const callWith = async (certificate: Certificate, token: string): Promise<unknown> => {
      const client = new things.Things(
        url,
        credentials.createSsl(
          Buffer.from(authority.cert),
          Buffer.from(certificate.key),
          Buffer.from(certificate.cert),
        ),
      );
      const answer = await new Promise((resolve) =>
        client.bound({ text: '' }, withHeader(`Bearer ${token}`), (error, reply) =>
          resolve(error ? outcomeOf(error) : reply),
        ),
      );
      client.close();
      return answer;
    };
    const thumbprint = createHash('sha256').update(own.der).digest('base64url');
    const bound = issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint } } });
    expect(await callWith(own, bound)).toEqual({ text: 'bound' });
    expect(await callWith(stolen, bound)).toEqual(UNAUTHENTICATED);
    expect(await callWith(own, issuer.token())).toEqual(UNAUTHENTICATED);
    const strange = await other.issue(subject);
    expect(await callWith(strange, bound)).toMatchObject({ code: 14 });
    await app.close();
    await issuer.close();
  });
});
