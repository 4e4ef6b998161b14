import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runWell } from '../run-program.ts';

/** Who may use the registries that ask; of no use anywhere else. */
export const LOGIN = { username: 'reader', password: 'open sesame' } as const;

/** bcrypt of the password, the only kind that these registries take; at its lowest cost, as each request pays it. */
const PASSWORD_HASH = '$2a$04$iD.xqpb9uh.yJFpTZfwScejrX2vNtvhPqyqiMWRfL5WMgLEs5VbRy';

/** Writes the file by which a registry knows {@link LOGIN}. */
export function writePasswordFile(folder: string): string {
  const file = join(folder, 'htpasswd');
  writeFileSync(file, `${LOGIN.username}:${PASSWORD_HASH}\n`);
  return file;
}

/** Writes docker's configuration with {@link LOGIN} for each host, and gives its file. */
export function writeDockerConfig(folder: string, hosts: readonly string[]): string {
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }));
  return file;
}

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
