import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runWell } from '../run-program.ts';

/** The login of the registries that require one. Valid only in these tests. */
export const LOGIN = { username: 'reader', password: 'open sesame' } as const;

/**
 * bcrypt hash of the password, the only kind that these registries support. It has the lowest cost, because each
 * request pays it.
 */
const PASSWORD_HASH = '$2a$04$iD.xqpb9uh.yJFpTZfwScejrX2vNtvhPqyqiMWRfL5WMgLEs5VbRy';

/** Writes the password file for {@link LOGIN}. */
export function writePasswordFile(folder: string): string {
  const file = join(folder, 'htpasswd');
  writeFileSync(file, `${LOGIN.username}:${PASSWORD_HASH}\n`);
  return file;
}

/** Writes Docker's configuration with {@link LOGIN} for each host. Returns its path. */
export function writeDockerConfig(folder: string, hosts: readonly string[]): string {
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }));
  return file;
}

/** A self-signed certificate and its key, as PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a self-signed certificate for 127.0.0.1. */
export async function makeCertificate(openssl: string, folder: string): Promise<Certificate> {
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  await runWell(openssl, [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'],
    ...['-keyout', files.key, '-out', files.certificate],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
  ]);
  return files;
}
