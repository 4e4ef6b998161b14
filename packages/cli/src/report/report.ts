import type { Assessment, SettingReport } from './assessment.ts';
import { compressionOf } from './print-report.ts';
import type { StartTime } from './start-model.ts';
import type { ProfileSource } from './verdict.ts';

/** A setting with the command line that builds its index. */
export interface Choice {
  readonly setting: SettingReport;
  readonly command: string;
}

/** Everything that a report shows. */
export interface Report {
  /** The image, as on the command line. */
  readonly source: string;
  readonly profile: ProfileSource;
  readonly assessment: Assessment;
  /** The answer in one sentence, escaped. */
  readonly verdict: string;
  /**
   * Settings to choose from, the recommended one first. Empty if an index is not worth it. Without the default if the image
   * is indexed already.
   */
  readonly choices: readonly Choice[];
}

/** Version of the document of {@link reportAsJson}. */
const SCHEMA_VERSION = 1;

/** Returns what `report --json` prints. docs/cli.md documents the fields. */
export function reportAsJson({ source, profile, assessment, verdict, choices }: Report): object {
  const { analysis, network, pull, settings, best, obstacles, isWorthIt } = assessment;
  const { platform, manifest, sociIndex, files, filesFound, reachedLimits, origin } = analysis;
  return {
    schemaVersion: SCHEMA_VERSION,
    source,
    outcome: isWorthIt ? 'worth-it' : 'nothing-to-gain',
    verdict,
    ...(choices[0] && { command: choices[0].command }),
    platform,
    manifest,
    ...(sociIndex !== undefined && { sociIndex }),
    startCommand: analysis.command,
    profile: {
      source: typeof profile === 'object' ? 'given' : profile,
      ...(origin !== undefined && { origin }),
      files,
      filesFound,
      ...(reachedLimits.length > 0 && { reachedLimits }),
    },
    network,
    pull: { ...timeAsJson(pull), bytes: pull.bytes },
    settings: settings.map((setting) => settingAsJson(setting, isWorthIt && setting === best)),
    layers: analysis.layers.map((layer) => {
      const { digest, mediaType, size, recompressedSize, skipped, content } = layer;
      return {
        layer: digest,
        mediaType,
        layerSize: size,
        compression: compressionOf(layer),
        ...(recompressedSize !== undefined && { recompressedSize }),
        ...(skipped && { reason: skipped.reason, ...(skipped.message !== undefined && { message: skipped.message }) }),
        ...(content && {
          uncompressedSize: content.uncompressedSize,
          files: content.files,
          bytesRead: content.reads.reduce((sum, { start, end }) => sum + end - start, 0),
          spanSizes: content.spans.map(({ spanSize, spans, ztocSize, spansRead, bytesRead, bytesInflated }) => ({
            spanSize,
            spans,
            ztocSize,
            spansRead,
            spansSize: bytesRead,
            spansInflated: bytesInflated,
          })),
          ...(content.warnings.length > 0 && { warnings: content.warnings }),
        }),
      };
    }),
    obstacles,
  };
}

function settingAsJson(report: SettingReport, recommended: boolean): object {
  const { spanSize, start, bytes, ztocsSize, spans, spansSize } = report;
  return { spanSize, recommended, ...timeAsJson(start), bytes, ztocsSize, spans, spansSize };
}

function timeAsJson({ seconds, phases }: StartTime) {
  const round = (value: number) => Number(value.toFixed(3));
  return { seconds: round(seconds), phases: phases.map((phase) => ({ ...phase, seconds: round(phase.seconds) })) };
}
