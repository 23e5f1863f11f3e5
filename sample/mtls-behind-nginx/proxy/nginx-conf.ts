/** What does nginx have to be told? To ask for a certificate, and to hand on what it saw, always. */

/** `folder` takes all that nginx writes. What is yours to copy is marked. */
export function writeConf(folder: string, port: number, upstream: number, cert: string, key: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
pid "${folder}/nginx.pid";
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
${temporary.map((kind) => `  ${kind}_temp_path "${folder}/nginx-${kind}";`).join('\n')}

  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate "${cert}";
    ssl_certificate_key "${key}";

    # Copy from here. A certificate is asked for and not insisted on; who signed it is not checked.
    ssl_verify_client optional_no_ca;
    location / {
      proxy_pass http://127.0.0.1:${upstream};
      # Set on every request, to nothing where there is no certificate: what the client sent under this name is gone.
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    }
    # To here.
  }
}
`;
}
