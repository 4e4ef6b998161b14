import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { stackFromContext } from './stack-from-context.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}

function resourcesOf(context: Record<string, unknown>): Record<string, Resource> {
  const app = new App({ analyticsReporting: false, context });
  const { artifactId } = stackFromContext(app);
  return app.synth().getStackArtifact(artifactId).template.Resources;
}

describe('cdk deploy', () => {
  it('indexes every image by default', () => {
    const { SociIndexGeneratorLambda: generator, ECRImageActionEventFilteringLambda: filter } = resourcesOf({});
    expect(generator?.Properties).toMatchObject({
      MemorySize: 1769,
      Environment: { Variables: { soci_index_version: 'V2', soci_output_tag: '{tag}-soci' } },
    });
    expect(filter?.Properties).toMatchObject({
      Environment: { Variables: { soci_repository_image_tag_filters: '*:*' } },
    });
  });

  it('reads the settings from the context', () => {
    const boundary = 'arn:aws:iam::123456789012:policy/Boundary';
    const resources = resourcesOf({
      filters: 'prod/*:*,!*:*-test',
      outputTag: 'soci-{digest12}',
      recompress: 'zstd',
      spanSize: 'auto',
      useStoredProfile: 'true',
      memorySize: '3538',
      permissionsBoundaryArn: boundary,
    });
    expect(resources.SociIndexGeneratorLambda?.Properties).toMatchObject({
      MemorySize: 3538,
      Environment: {
        Variables: {
          soci_output_tag: 'soci-{digest12}',
          soci_recompress: 'zstd',
          soci_span_size: 'auto',
          soci_use_stored_profile: 'true',
        },
      },
    });
    expect(resources.ECRImageActionEventFilteringLambda?.Properties).toMatchObject({
      Environment: {
        Variables: { soci_repository_image_tag_filters: 'prod/*:*,!*:*-test', soci_output_tag: 'soci-{digest12}' },
      },
    });
    const roles = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
    expect(roles.map(({ Properties }) => Properties.PermissionsBoundary)).toEqual([boundary, boundary]);
  });

  it('accepts numbers, booleans and lists, as in cdk.json', () => {
    const { SociIndexGeneratorLambda: generator } = resourcesOf({ spanSize: 1048576, useStoredProfile: false });
    expect(generator?.Properties).toMatchObject({ Environment: { Variables: { soci_span_size: '1048576' } } });
    const resources = resourcesOf({ filters: ['a:*', 'b:*'], memorySize: 512, indexVersion: 'V1', stackName: 'Other' });
    expect(resources.SociIndexGeneratorLambda?.Properties).toMatchObject({
      MemorySize: 512,
      Environment: { Variables: { soci_index_version: 'V1', soci_output_tag: 'none' } },
    });
  });

  it('names the stack', () => {
    const app = new App({ analyticsReporting: false, context: { stackName: 'Other' } });
    expect(stackFromContext(app).stackName).toBe('Other');
  });

  it.each([
    [{ filters: 'app' }, /filters: .*app/],
    [{ filters: '' }, 'filters: '],
    [
      { filters: { a: 1 } },
      `context value filters is invalid: {"a":1}. Use for example -c filters='prod/*:*,dev:latest'`,
    ],
    [{ indexVersion: 'v2' }, 'indexVersion: unknown version v2: use V1 or V2'],
    [{ recompress: 'gzip' }, 'recompress: unknown value gzip: use zstd, zstd,tar or none'],
    [{ recompress: 'zstd', indexVersion: 'V1' }, 'recompress: indexVersion V1 does not change layers: use V2'],
    [{ spanSize: 'Auto' }, `context value spanSize is invalid: "Auto". Use for example -c spanSize='auto'`],
    [{ spanSize: '0' }, 'spanSize: 0 is not between 1 and'],
    [{ useStoredProfile: 'yes' }, 'context value useStoredProfile is invalid: "yes"'],
    [{ useStoredProfile: 'true', spanSize: '1048576' }, 'useStoredProfile: spanSize fixes the size of all spans'],
    [{ outputTag: '{tag}' }, 'such as {tag}-soci'],
    [{ outputTag: '-{tag}' }, 'outputTag: "-{tag}" does not make a valid tag'],
    [{ memorySize: '2GB' }, `context value memorySize is invalid: "2GB". Use for example -c memorySize='3538'`],
    [{ memorySize: '' }, 'context value memorySize is invalid: ""'],
    [{ memorySize: '128' }, 'memorySize: 128 is not between 256 and 10240 MB'],
    [{ permissionsBoundaryArn: 'Boundary' }, 'context value permissionsBoundaryArn is invalid: "Boundary"'],
  ])('rejects %j with an example', (context, message) => {
    expect(() => resourcesOf(context)).toThrow(message);
  });
});
