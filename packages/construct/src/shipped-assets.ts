import { join } from 'node:path';
import type * as filter from '@soci/filter' with { 'resolution-mode': 'import' };
import type * as templateRules from '@soci/functions/template-rules' with { 'resolution-mode': 'import' };
import { AssetStaging, Stack } from 'aws-cdk-lib';
import { Code, type CodeConfig } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** Returns the path of a file in `assets`, which is next to both `dist` and `src`. */
export function assetPath(name: string): string {
  return join(__dirname, '..', 'assets', name);
}

/**
 * Function code from a zip in `assets`.
 *
 * Unlike `Code.fromAsset`, it creates no construct for the bucket. The bucket classes, with their table of all Regions, would be
 * 40 % of the synthesis time that this package adds (decision 022). It also adds no metadata for `sam local`.
 */
export class ShippedCode extends Code {
  public readonly isInline = false;

  private readonly path: string;

  /** @param name - File name of the zip. */
  public constructor(name: string) {
    super();
    this.path = assetPath(name);
  }

  public override bind(scope: Construct): CodeConfig {
    const staging = new AssetStaging(scope, 'Code', { sourcePath: this.path });
    const stack = Stack.of(scope);
    const { bucketName, objectKey } = stack.synthesizer.addFileAsset({
      fileName: staging.relativeStagedPath(stack),
      packaging: staging.packaging,
      sourceHash: staging.assetHash,
      displayName: staging.node.path,
      // Lambda copies the zip during deployment. It may be deleted from the bucket afterwards.
      deployTime: true,
    });
    return { s3Location: { bucketName, objectKey } };
  }
}

/** Exports of `assets/synth-rules.js`, the bundle of `bundle/synth-rules.mjs`. */
type SynthRules = Pick<typeof filter, 'eventPattern' | 'parseFilters' | 'repositoryPatterns'> & typeof templateRules;

/** Rules for filters and tags. `assets` is next to both `dist` and `src`. */
export const rules: SynthRules = require('../assets/synth-rules.js');
