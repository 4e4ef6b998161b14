/** What the tests run beside our own code. */
export type PartName = 'emulator' | 'moto' | 'node22' | 'node24' | 'reference' | 'runtimeClient';

/** The variable by which scripts/test-lambda.mjs says where each part is: a JSON object, name to path. */
const VARIABLE = 'LAMBDA_PARTS';

/** Where a part is; undefined where it is absent. */
export function findPart(name: PartName): string | undefined {
  const parts = process.env[VARIABLE];
  if (parts === undefined) throw new Error(`${VARIABLE} is not set: run these tests by \`pnpm test:lambda\``);
  return (JSON.parse(parts) as Partial<Record<PartName, string>>)[name];
}

/** Where a part is that the test was not to be run without. */
export function partOf(name: PartName): string {
  const path = findPart(name);
  if (path === undefined) throw new Error(`${name} is absent`);
  return path;
}

/** Whether all of these parts are there. */
export function hasParts(...names: readonly PartName[]): boolean {
  return names.every((name) => findPart(name) !== undefined);
}
