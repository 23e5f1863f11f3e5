/** How a provider fails: each of these answers a request in place of the document that it should have been. */

/** These end with the application's patience, its `responseTimeout`: schedules give it little of that. */
export const isSlow = (fault) => fault === 'hanging' || fault === 'dripping';

const JSON_TYPE = { 'content-type': 'application/json' };

export const FAULTS = {
  /** Nobody listens: the provider itself sees to that; what is left of open connections breaks. */
  refused: (response) => response.destroy(),
  /** Accepts and never answers. */
  hanging: (response) => endWithTheClient(response),
  /** A byte now and then, never all of them. */
  dripping: (response, body) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length });
    let sent = 0;
    const timer = setInterval(() => response.write(body[sent++ % body.length]), 20);
    response.once('close', () => clearInterval(timer));
    endWithTheClient(response);
  },
  'status 500': (response) => response.writeHead(500).end('oops'),
  'status 429': (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
  truncated: (response, body) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length + 100 });
    response.write(body.slice(0, body.length / 2), () => response.destroy());
  },
  garbage: (response) => response.writeHead(200, JSON_TYPE).end(Buffer.from([0x7b, 0xff, 0x00, 0x22, 0x3a])),
  'html 200': (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in</html>'),
  huge: (response) => {
    response.writeHead(200, JSON_TYPE);
    response.end(`{"keys":[${'"x",'.repeat(150_000)}"x"],"active":true}`);
  },
  'redirect elsewhere': (response) =>
    response.writeHead(302, { location: 'https://elsewhere.example/jwks' }).end(),
  /** The documents of another issuer, whose keys an attacker has. */
  'wrong issuer': (response) =>
    response
      .writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ issuer: 'https://elsewhere.example', keys: [], active: false })),
  'empty key set': (response) => response.writeHead(200, JSON_TYPE).end('{"keys":[]}'),
};

/** Asking again would not help with these: the contract calls them a fault of this server, 500. */
export const NOT_WORTH_RETRYING = new Set(['redirect elsewhere', 'wrong issuer', 'empty key set']);

/** As key sets these are answers, of an issuer that has withdrawn its keys. */
export const WITHDRAWING = new Set(['wrong issuer', 'empty key set']);

/** Keeps no timer of its own: the application hangs up. */
function endWithTheClient(response) {
  response.socket?.on('end', () => response.destroy());
}
