/** Where does the client's certificate come from? From the proxy's header, or from this process's own TLS. */
import type { ConfigService } from '@nestjs/config';
import { certificateFromHeader, type CertificateResolver } from 'nestjs-resource-server';

/** `undefined` where TLS ends here: AuthModule then reads the connection, and no header. */
export function chooseCertificateResolver(config: ConfigService): CertificateResolver | undefined {
  if (config.get<string>('TLS_CERTIFICATE')) return undefined;
  return certificateFromHeader({
    format: 'nginx',
    header: 'x-ssl-client-cert',
    trustedProxies: config.getOrThrow<string>('TRUSTED_PROXIES').split(','),
  });
}
