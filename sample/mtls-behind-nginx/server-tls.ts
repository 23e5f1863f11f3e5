/** How does a Node server end TLS so that clients may show a certificate? With what the starter has made. */
import { readFileSync } from 'node:fs';

/** Certificate and key of the server: the paths of files in PEM. */
export function readServerTls(environment: NodeJS.ProcessEnv = process.env) {
  const { TLS_CERTIFICATE = '', TLS_KEY = '' } = environment;
  return {
    cert: readFileSync(TLS_CERTIFICATE),
    key: readFileSync(TLS_KEY),
    // Asked for, not insisted on: public routes are for everybody. Who signed it does not matter, because the token
    // says which certificate it has to be (RFC 8705 section 2.2).
    requestCert: true,
    rejectUnauthorized: false,
  };
}
