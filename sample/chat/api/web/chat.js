/**
 * The page of the chat: signs a person in (authorization code with PKCE, RFC 7636), connects with the subprotocols
 * `['bearer', token]`, and renews the token over the connection before it expires. Tokens are kept in memory only.
 */
const RENEW_BEFORE_SECONDS = 15;
const CLIENT = 'chat-page';
const CALLBACK = `${location.origin}/`;
const PENDING = 'pending-sign-in';

const find = (id) => document.getElementById(id);
const { issuer, resource } = await (await fetch('/settings')).json();
const provider = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();

let socket;
/** The last answer of the token endpoint. */
let tokens;
let renewal;

function show(state) {
  find('state').textContent = state;
}

function list(text) {
  const item = document.createElement('li');
  item.textContent = text;
  find('messages').append(item);
}

const toBase64Url = (bytes) =>
  btoa(String.fromCodePoint(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const makeRandom = () => toBase64Url(crypto.getRandomValues(new Uint8Array(32)));

async function startSignIn() {
  const [verifier, state] = [makeRandom(), makeRandom()];
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid chat chat:write',
    resource,
    state,
    code_challenge: toBase64Url(digest),
    code_challenge_method: 'S256',
  });
  location.assign(`${provider.authorization_endpoint}?${query}`);
}

async function requestTokens(parameters) {
  const response = await fetch(provider.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ client_id: CLIENT, resource, ...parameters }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  tokens = await response.json();
}

/** Back from the authorization server: `code`, with the `state` and the issuer (RFC 9207) that were expected. */
async function finishSignIn() {
  const answer = new URL(location.href).searchParams;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  sessionStorage.removeItem(PENDING);
  if (!answer.has('state')) return;
  history.replaceState(null, '', '/');
  if (!answer.has('code') || answer.get('state') !== pending?.state || answer.get('iss') !== provider.issuer)
    return show('the sign-in has failed');
  await requestTokens({
    grant_type: 'authorization_code',
    code: answer.get('code'),
    redirect_uri: CALLBACK,
    code_verifier: pending.verifier,
  });
  connect(tokens.access_token);
}

/** @param token without one, the gateway refuses the connection */
function connect(token) {
  socket?.close();
  const current = new WebSocket(
    `${location.origin.replace('http', 'ws')}/chat`,
    token === undefined ? [] : ['bearer', token],
  );
  socket = current;
  current.addEventListener('message', ({ data }) => receive(JSON.parse(data)));
  current.addEventListener('close', ({ code, reason }) => {
    // Another connection has taken its place.
    if (socket !== current) return;
    clearTimeout(renewal);
    show(`closed: ${code} ${reason}`);
  });
}

const send = (event, data) => socket?.send(JSON.stringify({ event, data }));

/** The server's clock counts, and not that of this computer: `expires_in`, and not `exp`. */
function scheduleRenewal() {
  clearTimeout(renewal);
  renewal = setTimeout(renew, Math.max(1, tokens.expires_in - RENEW_BEFORE_SECONDS) * 1000);
}

/** A new token from the authorization server, and the connection goes on with it. */
async function renew() {
  try {
    await requestTokens({ grant_type: 'refresh_token', refresh_token: tokens?.refresh_token ?? '' });
    send('renew', { token: tokens.access_token });
  } catch (error) {
    list(String(error));
  }
}

function receive({ event, data }) {
  if (event === 'welcome') {
    show(`connected as ${data.sub}`);
    scheduleRenewal();
  } else if (event === 'renewed') {
    list('the token is renewed');
    scheduleRenewal();
  } else if (event === 'said') list(`${data.sub}: ${data.text}`);
  else if (event === 'exception') list(`refused: ${data.errorCode ?? data.message}`);
}

find('sign-in').addEventListener('click', startSignIn);
find('connect').addEventListener('click', () => connect());
find('renew').addEventListener('click', renew);
find('say').addEventListener('submit', (submit) => {
  submit.preventDefault();
  send('say', new FormData(submit.target).get('text'));
  submit.target.reset();
});
// Until here a click would have been lost.
for (const button of document.querySelectorAll('button')) button.disabled = false;

await finishSignIn();
