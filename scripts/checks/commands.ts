// Documented commands run as written: with npm only, without a terminal, and with the pinned pnpm.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, listFiles, ROOT } from '../workspace/packages.ts';

/** `npx pnpm` asks a question, and installs the newest version. A user may not have a `pnpm` of another kind on PATH. */
const BARE_PNPM =
  /npx pnpm\b|(?<![\w@/.-])pnpm (?:run|exec|install|add|test|build|bench|conformance|reliability|changeset|--filter)\b/;
const NPM_RUN = /\bnpm run ([a-z][\w:-]*)/g;

/** Checks that documents and messages name only scripts of the root manifest, and run no pnpm directly. */
export function commands(): Finding[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const files = listFiles('', ['.md', '.ts', '.mjs', '.yml', '.ci/run']).filter(
    (path) => !path.startsWith('scripts/checks/commands'),
  );
  const problems = files.flatMap((path) => {
    const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
    return lines.flatMap((line, i) =>
      commandProblems(line, Object.keys(scripts)).map((text) => `${path}:${i + 1} ${text}`),
    );
  });
  return [{ subject: 'documented commands', problems }];
}

/** Returns what is wrong with the commands in a line of text. */
export function commandProblems(line: string, scripts: readonly string[]): string[] {
  const unknown = [...line.matchAll(NPM_RUN)].map(([, name = '']) => name).filter((name) => !scripts.includes(name));
  return [
    ...unknown.map((name) => `runs the script ${name}, which package.json does not have`),
    ...(BARE_PNPM.test(line) ? ['runs pnpm directly: use a script of package.json, as `npm run NAME -- ARGS`'] : []),
  ];
}
