import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { RegistryError } from '../errors.ts';

/**
 * What TLS connections trust: whatever Node trusts, and the certificates named beside it.
 *
 * @param ca - Further certificates, PEM; undefined where there are none.
 * @returns undefined where Node's own defaults do.
 * @throws RegistryError `OPTION_INVALID` where `ca` holds no certificate, or one that cannot be read.
 */
export function trustRoots(ca: string | undefined): tls.SecureContext | undefined {
  if (ca === undefined) return undefined;
  const added = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (added.length === 0)
    throw new RegistryError('OPTION_INVALID', 'the certificates to trust are not PEM: none begins in them');
  // OpenSSL passes over what it cannot read; a user who named it would wonder.
  for (const certificate of added) checkCertificate(certificate);
  return tls.createSecureContext({ ca: [...nodeRoots(), ...added] });
}

function checkCertificate(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    const message = 'a certificate to trust cannot be read: is it a whole PEM block?';
    throw new RegistryError('OPTION_INVALID', message, { cause });
  }
}

/** The roots that `ca` would otherwise replace; those of NODE_EXTRA_CA_CERTS and the system only where Node can name them. */
function nodeRoots(): readonly string[] {
  // Node 20 has no getCACertificates.
  const { getCACertificates } = tls as Partial<Pick<typeof tls, 'getCACertificates'>>;
  return getCACertificates?.('default') ?? tls.rootCertificates;
}
