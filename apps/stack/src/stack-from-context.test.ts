import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { plainTemplate } from './plain-template.ts';
import { CONTEXT_VALUES, stackFromContext } from './stack-from-context.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}

interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
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

  it('has a value for each parameter of the plain template that a CDK app can have', () => {
    const { Parameters } = plainTemplate() as { readonly Parameters: Readonly<Record<string, Parameter>> };
    // The CDK uploads the code. It cannot change the names after the deployment.
    const others = ['QSS3BucketName', 'QSS3BucketRegion', 'QSS3KeyPrefix', 'ResourceNames'];
    const values = Object.values(CONTEXT_VALUES);
    expect([...values.map(({ parameter }) => parameter), ...others].sort()).toEqual(Object.keys(Parameters).sort());
    for (const { parameter, example, pattern } of values) {
      const { Type, Default = '', AllowedPattern = '', AllowedValues } = Parameters[parameter] ?? {};
      // A pattern of a list is that of its items.
      for (const text of Type === 'CommaDelimitedList' ? example.split(',') : [example]) {
        expect([parameter, text]).toEqual([parameter, expect.stringMatching(AllowedPattern)]);
      }
      if (AllowedValues !== undefined) expect(AllowedValues).toContain(example);
      for (const value of [example, String(Default), ...(AllowedValues ?? [])]) {
        expect([parameter, value]).toEqual([parameter, expect.stringMatching(pattern)]);
      }
    }
  });

  it('accepts every default of the plain template', () => {
    const { Parameters } = plainTemplate() as { readonly Parameters: Readonly<Record<string, Parameter>> };
    const defaults = Object.entries(CONTEXT_VALUES)
      .filter(([name]) => name !== 'queueMaxConcurrency')
      .map(([name, { parameter }]) => [name, String(Parameters[parameter]?.Default)]);
    expect(resourcesOf(Object.fromEntries(defaults))).toMatchObject({
      SociIndexGeneratorLambda: { Properties: { MemorySize: 1769, Timeout: 900 } },
    });
  });

  it('ignores the context of the CDK', () => {
    const context = { '@aws-cdk/core:target': true, 'aws:cdk:bundling-stacks': ['**'], 'acknowledged-issues': [] };
    expect(resourcesOf(context)).toEqual(resourcesOf({}));
  });

  it.each([
    [{ filter: 'app:*' }, 'unknown context value filter. Use one of stackName, filters, indexVersion, '],
    [{ SociSpanSize: 'auto' }, 'unknown context value SociSpanSize'],
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
    [{ minLayerSize: '1 MiB' }, `Use for example -c minLayerSize='1048576'`],
    [{ untaggedImages: 'yes' }, `Use for example -c untaggedImages='true'`],
    [{ untaggedImages: 'true' }, 'needs a tag, which untagged images do not have'],
    [{ memberAccounts: '123' }, 'memberAccounts: "123" is not an account id: use 12 digits'],
    [{ timeout: '10' }, 'timeout: 10 is not between 30 and 1800 seconds'],
    [{ timeout: '15m' }, `Use for example -c timeout='1800'`],
    [{ architecture: 'arm' }, `Use for example -c architecture='arm64'`],
    [{ reservedConcurrency: '0' }, 'reservedConcurrentExecutions: 0 is not between 1 and 1000'],
    [{ logRetentionDays: '31' }, `Use for example -c logRetentionDays='30'`],
    [{ alarmTopicArn: 'alarms' }, 'context value alarmTopicArn is invalid: "alarms"'],
    [{ delivery: 'sqs' }, `Use for example -c delivery='queue'`],
    [{ queueMaxConcurrency: '50' }, 'use -c delivery=queue, or omit it'],
    [{ queueMaxConcurrency: '1', delivery: 'queue' }, 'maxConcurrency: 1 is not between 2 and 1000'],
    [{ subnetIds: 'subnet-0a1b2c3d' }, 'set the context values subnetIds and securityGroupIds, or neither'],
    [{ securityGroupIds: 'group' }, 'set the context values subnetIds and securityGroupIds, or neither'],
    [{ securityGroupIds: 'group', subnetIds: 'subnet-0a1b2c3d' }, `Use for example -c securityGroupIds='sg-0a1b2c3d'`],
    [{ kmsKeyArn: 'key' }, 'context value kmsKeyArn is invalid: "key"'],
    [{ permissionsBoundaryArn: 'Boundary' }, 'context value permissionsBoundaryArn is invalid: "Boundary"'],
  ])('rejects %j with an example', (context, message) => {
    expect(() => resourcesOf(context)).toThrow(message);
  });
});
