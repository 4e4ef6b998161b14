import { join } from 'node:path';
import { runWell } from '../run-program.ts';

/** A certificate of one's own, and its key: PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate for 127.0.0.1 that nobody has signed but itself. */
export async function makeCertificate(openssl: string, folder: string): Promise<Certificate> {
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  await runWell(openssl, [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'],
    ...['-keyout', files.key, '-out', files.certificate],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
  ]);
  return files;
}
