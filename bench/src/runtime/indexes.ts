import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyImage } from '@soci/oci';
import { openLayout } from '@soci/oci/layout';
import { openRegistry } from '@soci/registry';
import { checkSameDigest } from '../compare.ts';
import { CACHE } from '../data.ts';
import { buildReference, outputOf, sociIndex } from '../measure.ts';
import { imageOf, type RuntimeImage } from './images.ts';
import { type Variant, WORKLOADS, type Workload } from './plan.ts';
import { comparePrediction } from './prediction.ts';
import type { Results } from './results.ts';

/** Records the profile of a workload and returns its file. */
type RecordProfile = (workload: Workload) => Promise<string>;

/** The images of the benchmark in a registry: for each workload an image, and one with each index, tagged with the variant. */
export class IndexedImages {
  readonly #host: string;
  /** Receives how well the predictions match. */
  readonly #results: Results;
  readonly #recordProfile: RecordProfile;
  readonly #digests = new Map<string, string>();
  /** Files of recorded profiles, by workload. */
  readonly #profiles = new Map<string, string>();
  /** Images that have been compared with the reference. */
  readonly #checked = new Set<RuntimeImage>();
  /** Path of the reference's program; undefined if it cannot be built. */
  #reference: string | undefined | null = null;

  constructor(host: string, results: Results, recordProfile: RecordProfile) {
    this.#host = host;
    this.#results = results;
    this.#recordProfile = recordProfile;
  }

  /** Pushes the image of a variant once, and returns its digest. */
  async push(workload: Workload, variant: Variant): Promise<string> {
    const name = nameOf(workload, variant);
    const digest = this.#digests.get(name) ?? (await this.#create(workload, variant));
    this.#digests.set(name, digest);
    return digest;
  }

  async #create(workload: Workload, variant: Variant): Promise<string> {
    const layout = await imageOf(workload);
    const { convert, profile } = variant;
    if (convert === undefined) return pushAsIs(layout, this.#host, workload.name, variant.name);
    if (variant.name === 'reference') this.#checkReference(workload.image, layout);
    const guided = await this.#profileOptions(workload, profile);
    const options = ['--quiet', '--force', '--no-reuse', '--plain-http', ...convert, ...guided];
    process.stderr.write(`indexing ${nameOf(workload, variant)}\n`);
    const target = `${this.#host}/${nameOf(workload, variant)}`;
    return outputOf(sociIndex('convert', ...options, `oci:${layout}:latest`, target)).trim();
  }

  async #profileOptions(workload: Workload, profile: Variant['profile']): Promise<readonly string[]> {
    if (profile === undefined) return [];
    if (profile === 'predicted') {
      // Without a profile, `auto` predicts one. The command below is only for the comparison.
      this.#results.setPrediction(workload.name, await comparePrediction(workload, await this.#recordOnce(workload)));
      return ['--span-size', 'auto'];
    }
    const recorded = profile === 'recorded' ? workload : WORKLOADS.find(({ name }) => name === profile);
    if (recorded === undefined) throw new Error(`there is no workload ${profile}`);
    return ['--profile', await this.#recordOnce(recorded)];
  }

  async #recordOnce(workload: Workload): Promise<string> {
    const file = this.#profiles.get(workload.name) ?? (await this.#recordProfile(workload));
    this.#profiles.set(workload.name, file);
    return file;
  }

  /**
   * Checks that `--compat soci-cli` creates the reference's index, if the reference can be built. Once for images with the same
   * layers.
   */
  #checkReference(image: RuntimeImage, layout: string): void {
    if (this.#checked.has(image)) return;
    this.#checked.add(image);
    if (this.#reference === null) this.#reference = buildReference();
    if (this.#reference === undefined) {
      process.stderr.write('cannot build the reference, so that its index is not compared with ours\n');
      return;
    }
    const converted = join(CACHE, 'runtime-reference');
    const prepare = () => rmSync(converted, { recursive: true, force: true });
    checkSameDigest(
      sociIndex('convert', '--json', '--compat', 'soci-cli', `oci:${layout}:latest`, `oci:${converted}:soci`),
      { program: this.#reference, arguments: ['index', '-v', '2', layout, converted] },
      prepare,
    );
    prepare();
  }
}

/** Returns the repository and tag of a variant. */
export function nameOf(workload: Workload, variant: Variant): string {
  return `${workload.name}:${variant.name.toLowerCase()}`;
}

async function pushAsIs(folder: string, host: string, repository: string, tag: string): Promise<string> {
  const layout = await openLayout(folder);
  const registry = openRegistry(host, { env: {}, plainHttp: true });
  try {
    const root = await layout.resolve('latest');
    const store = registry.repository(repository);
    await copyImage(layout, store, root);
    await store.tag(root, tag);
    return root.digest;
  } finally {
    registry.close();
  }
}
