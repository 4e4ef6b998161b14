/** What the tests run beside our own code. */
export type PartName = 'cdkNag' | 'linters' | 'moto';

/** The variable by which scripts/test-stack.mjs says where each part is: a JSON object, name to path. */
const VARIABLE = 'STACK_PARTS';

/** Where a part is; undefined where it is absent. */
export function findPart(name: PartName): string | undefined {
  const parts = process.env[VARIABLE];
  if (parts === undefined) throw new Error(`${VARIABLE} is not set: run these tests by \`pnpm test:stack\``);
  return (JSON.parse(parts) as Partial<Record<PartName, string>>)[name];
}

/** Where a part is that the test was not to be run without. */
export function partOf(name: PartName): string {
  const path = findPart(name);
  if (path === undefined) throw new Error(`${name} is absent`);
  return path;
}
