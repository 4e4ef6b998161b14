// Bundles the program and its dependencies into `dist/bundle` for publishing. `npm run build` runs this after the compiler.
// Dynamic imports (each command, the AWS SDK) are separate files, which are loaded when they are used.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const OUTPUT = fileURLToPath(new URL('../dist/bundle', import.meta.url));

/** Names of license and notice files. */
const LICENSE_FILE = /^(licen[cs]e|notice|copying)([.-].*)?$/i;

// A temporary name until the bundle is complete.
const unfinished = `${OUTPUT}.part`;
rmSync(unfinished, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    main: fileURLToPath(new URL('../dist/main.js', import.meta.url)),
    // The worker script. `@soci/index` expects it in the same directory as the code that starts the workers.
    'layer-worker': join(dirname(fileURLToPath(import.meta.resolve('@soci/index'))), 'layers', 'layer-worker.js'),
  },
  outdir: unfinished,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  mainFields: ['module', 'main'],
  // Identifiers are not minified, so that stack traces are readable. Source maps would be larger than the code.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: { BUNDLED_VERSION: JSON.stringify(version) },
  chunkNames: 'chunk-[hash]',
  metafile: true,
  logLevel: 'error',
});
writeFileSync(join(unfinished, 'THIRD-PARTY-LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)));
rmSync(OUTPUT, { recursive: true, force: true });
renameSync(unfinished, OUTPUT);

/** Returns the licenses of the third-party packages in the bundle. Packages with the same text share an entry. */
function licensesOf(inputs) {
  const folders = new Set(inputs.flatMap((input) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []));
  const packages = new Map();
  for (const folder of folders) {
    const { name, version: packed, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (typeof license !== 'string') throw new Error(`${folder}/package.json has no license field`);
    const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
    const text = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
    const key = [license, ...text].join('\n\n');
    packages.set(key, [...(packages.get(key) ?? []), `${name} ${packed}`].sort());
  }
  const parts = [...packages].map(([text, names]) => `${names.join('\n')}\n\nLicense: ${text}`).sort();
  return `soci-index contains the following packages.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
