import { join } from 'node:path';
import type * as filter from '@soci/filter' with { 'resolution-mode': 'import' };
import type * as templateRules from '@soci/functions/template-rules' with { 'resolution-mode': 'import' };
import { AssetStaging, Stack } from 'aws-cdk-lib';
import { Code, type CodeConfig } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** Where a file is that the package ships: beside `dist`, as beside `src`. */
export function assetPath(name: string): string {
  return join(__dirname, '..', 'assets', name);
}

/**
 * Code of a function in a zip that the package ships.
 *
 * What `Code.fromAsset` makes, less a construct for the bucket, which nobody here asks for: its classes, with their table of all
 * Regions, would be two fifths of what the construct adds to a synthesis (decision 022). Nor is there metadata for `sam local`.
 */
export class ShippedCode extends Code {
  public readonly isInline = false;

  private readonly path: string;

  /** @param name - Of the zip. */
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
      // Lambda has a copy once it is deployed: the zip may be cleared out of the bucket then.
      deployTime: true,
    });
    return { s3Location: { bucketName, objectKey } };
  }
}

/** What `assets/synth-rules.js` has, the bundle of `bundle/synth-rules.mjs`. */
type SynthRules = Pick<typeof filter, 'eventPattern' | 'parseFilters' | 'repositoryPatterns'> & typeof templateRules;

/** Next to `dist` and next to `src`. */
export const rules: SynthRules = require('../assets/synth-rules.js');
