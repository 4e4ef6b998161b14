// Bundles the program with all that it imports into `dist/bundle`, as it is published: `npm run build` runs this after the compiler.
// What is imported on demand (each command, the AWS SDK) has files of its own, which are read when they are used.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const OUTPUT = fileURLToPath(new URL('../dist/bundle', import.meta.url));

/** Files in which a package keeps its license, and what its license wants to be told. */
const LICENSE_FILE = /^(licen[cs]e|notice|copying)([.-].*)?$/i;

// Under another name until all of it is there.
const unfinished = `${OUTPUT}.part`;
rmSync(unfinished, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    main: fileURLToPath(new URL('../dist/main.js', import.meta.url)),
    // The body of its threads, which `@soci/index` looks for next to the code that starts them.
    'layer-worker': join(dirname(fileURLToPath(import.meta.resolve('@soci/index'))), 'layers', 'layer-worker.js'),
  },
  outdir: unfinished,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  mainFields: ['module', 'main'],
  // Names stay: `--debug` shows where in the program an error comes from, and source maps would be larger than the code.
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

/** The licenses of the packages from other people that the bundle's input files belong to; each text once. */
function licensesOf(inputs) {
  const folders = new Set(inputs.flatMap((input) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []));
  const packages = new Map();
  for (const folder of folders) {
    const { name, version: packed, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (typeof license !== 'string') throw new Error(`${folder}/package.json names no license`);
    const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
    const text = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
    const key = [license, ...text].join('\n\n');
    packages.set(key, [...(packages.get(key) ?? []), `${name} ${packed}`].sort());
  }
  const parts = [...packages].map(([text, names]) => `${names.join('\n')}\n\nLicense: ${text}`).sort();
  return `soci-index contains the following packages.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
