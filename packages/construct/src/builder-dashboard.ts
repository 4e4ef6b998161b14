import { Dashboard, GraphWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { SociIndexBuilder } from './soci-index-builder';

/** Widgets that stand side by side. */
const HALF = 12;

/** Makes the dashboard of a builder: what became of images, how long that took, and how the functions do. */
export function createDashboard(builder: SociIndexBuilder): Dashboard {
  const { generatorFunction, filterFunction } = builder;
  const images = [builder.metricIndexed(), builder.metricSkipped(), builder.metricFailed()];
  return new Dashboard(builder, 'Dashboard', {
    widgets: [
      [
        new GraphWidget({ title: 'Images', left: images, width: HALF }),
        new GraphWidget({ title: 'Seconds an index', left: [builder.metricIndexingTime()], width: HALF }),
      ],
      [
        new GraphWidget({
          title: 'Invocations and errors of the generator',
          left: [generatorFunction.metricInvocations(), generatorFunction.metricErrors()],
          width: HALF,
        }),
        new GraphWidget({
          title: 'Invocations and errors of the filter',
          left: [filterFunction.metricInvocations(), filterFunction.metricErrors()],
          width: HALF,
        }),
      ],
    ],
  });
}
