/** What the tests start beside our own: registries, and those who judge what lies in them. */
export type ProgramName =
  | 'crane'
  | 'docker-registry'
  | 'openssl'
  | 'oras'
  | 'referrers-registry'
  | 'registry'
  | 'skopeo';

/** The variable by which scripts/test-real.mjs says where each program is: a JSON object, name to path. */
const VARIABLE = 'REAL_PROGRAMS';

/** Where a program is; undefined where it is absent. */
export function findProgram(name: ProgramName): string | undefined {
  const programs = process.env[VARIABLE];
  if (programs === undefined) throw new Error(`${VARIABLE} is not set: run these tests by \`pnpm test:real\``);
  return (JSON.parse(programs) as Partial<Record<ProgramName, string>>)[name];
}

/** Whether all of these programs are there. */
export function hasPrograms(...names: readonly ProgramName[]): boolean {
  return names.every((name) => findProgram(name) !== undefined);
}
