// Bundles the functions into `dist/functions`: folder, zip, SBOM and source maps of the filter and the generator, and one file of the
// function that is inline in the template. `npm run build` runs it.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatSbom } from '@soci/bundle-report';
import { zipFiles } from './bundle-files.ts';
import { bundleFunction, bundleInline } from './bundle-function.ts';

const OUTPUT = fileURLToPath(new URL('../functions', import.meta.url));

const FUNCTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  filter: { index: fileURLToPath(new URL('../filter/handler.js', import.meta.url)) },
  generator: {
    index: fileURLToPath(new URL('../generator/handler.js', import.meta.url)),
    // Handler of the custom resource that indexes one image during deployment.
    deploy: fileURLToPath(new URL('../deploy-time/handler.js', import.meta.url)),
    // Worker thread, which `@soci/index` loads from the folder of the code that starts it.
    'layer-worker': join(dirname(fileURLToPath(import.meta.resolve('@soci/index'))), 'layers', 'layer-worker.js'),
  },
  jobs: {
    plan: fileURLToPath(new URL('../jobs/plan-handler.js', import.meta.url)),
    list: fileURLToPath(new URL('../jobs/list-handler.js', import.meta.url)),
    merge: fileURLToPath(new URL('../jobs/merge-handler.js', import.meta.url)),
    collect: fileURLToPath(new URL('../jobs/collect-handler.js', import.meta.url)),
    report: fileURLToPath(new URL('../jobs/report-handler.js', import.meta.url)),
  },
};

const REPOSITORY_NAMES = fileURLToPath(new URL('../repository-names.js', import.meta.url));

// Write to a temporary name first, so that the output is never incomplete.
const unfinished = `${OUTPUT}.part`;
rmSync(unfinished, { recursive: true, force: true });
for (const [name, entries] of Object.entries(FUNCTIONS)) {
  const { files, maps, packages } = await bundleFunction(entries);
  const zip = zipFiles(files);
  writeAll(join(unfinished, name), files);
  writeAll(join(unfinished, `${name}-maps`), maps);
  writeFileSync(join(unfinished, `${name}.zip`), zip);
  writeFileSync(join(unfinished, `${name}.cdx.json`), formatSbom({ name: `soci-${name}`, content: zip }, packages));
}
writeFileSync(join(unfinished, 'repository-names.js'), await bundleInline(REPOSITORY_NAMES));
rmSync(OUTPUT, { recursive: true, force: true });
renameSync(unfinished, OUTPUT);

function writeAll(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
}
