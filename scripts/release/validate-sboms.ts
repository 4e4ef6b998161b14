import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cachedTools } from './local-registry.ts';

/** CycloneDX's own library, with the schema, and what it needs to validate. */
const LIBRARY = '@cyclonedx/cyclonedx-library';
const PACKAGES = [`${LIBRARY}@10.3.0`, 'ajv@8.20.0', 'ajv-formats@3.0.1', 'ajv-formats-draft2019@1.6.1'];

interface CycloneDx {
  readonly Spec: { readonly Version: { readonly v1dot6: string } };
  readonly Validation: {
    readonly JsonStrictValidator: new (version: string) => { validate(json: string): Promise<unknown> };
  };
}

/**
 * Validates the SBOMs of a folder against the schema of CycloneDX 1.6.
 *
 * @throws Error if one is not valid, or if the folder has no SBOM.
 */
export async function validateSboms(folder: string): Promise<void> {
  const modules = await cachedTools('cyclonedx-10.3.0', PACKAGES);
  const { Spec, Validation } = createRequire(join(modules, 'tools.cjs'))(LIBRARY) as CycloneDx;
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const files = readdirSync(folder).filter((name) => name.endsWith('.cdx.json'));
  if (files.length === 0) throw new Error(`${folder} has no SBOM`);
  for (const file of files) {
    const problem = await validator.validate(readFileSync(join(folder, file), 'utf8'));
    if (problem !== null) throw new Error(`${file} is not a valid SBOM: ${JSON.stringify(problem)}`);
  }
}
