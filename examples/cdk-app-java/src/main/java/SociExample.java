import java.util.List;
import soci.construct.SociIndexBuilder;
import software.amazon.awscdk.App;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.ecr.Repository;
import software.amazon.awscdk.services.ecr.TagMutability;
import software.amazon.awscdk.services.logs.RetentionDays;
import software.amazon.awscdk.services.sns.Topic;

/** Creates a repository whose images are indexed automatically, and a topic that is notified when indexing fails. */
public final class SociExample {
  public static void main(String[] args) {
    App app = new App();
    Stack stack = new Stack(app, "SociExample");

    Repository repository =
        Repository.Builder.create(stack, "Images").imageTagMutability(TagMutability.IMMUTABLE).build();

    SociIndexBuilder builder =
        SociIndexBuilder.Builder.create(stack, "Soci")
            .repositories(List.of(repository))
            .logRetention(RetentionDays.ONE_MONTH)
            .deadLetterQueueEnabled(true)
            .alarmTopic(new Topic(stack, "Alarms"))
            .build();

    CfnOutput.Builder.create(stack, "PushTo").value(repository.getRepositoryUri()).build();
    CfnOutput.Builder.create(stack, "Log")
        .value(builder.getGeneratorFunction().getLogGroup().getLogGroupName())
        .build();

    app.synth();
  }
}
