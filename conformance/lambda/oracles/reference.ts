import type { TestRegistry } from '@soci/test-registry';
import { runWell } from '../../registries/run-program.ts';
import { toolPath } from '../../tools/tools.ts';

/** What the reference has found: see conformance/reference/pull.go. */
interface Pulled {
  /** Images that something could run. */
  readonly platforms: number;
  /** Digests of the SOCI indexes, one of each platform that has one. */
  readonly indexes: readonly string[];
  readonly ztocs: number;
  /** Files that were extracted through them, and are as in the layer. */
  readonly files: number;
  readonly problems: readonly string[];
}

/** Has the reference pull the SOCI indexes of an image, by the code that does it when a container starts, and read files. */
export async function pullByReference({ host, credentials }: TestRegistry, image: string): Promise<Pulled> {
  const env = { REGISTRY_USER: credentials.username, REGISTRY_PASSWORD: credentials.password };
  return JSON.parse((await runWell(toolPath('reference'), ['pull', `${host}/${image}`], { env })).toString()) as Pulled;
}
