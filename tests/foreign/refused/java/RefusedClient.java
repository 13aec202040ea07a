import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;

/**
 * Makes one call on grpc-java, as a client that the worker refuses: {@code RefusedClient PORT}, in a folder with
 * {@code ca.pem} and, where the client has a certificate, {@code cert.pem} and {@code key.pem}. Prints the error.
 */
public final class RefusedClient {
  public static void main(String[] args) throws IOException {
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder().trustManager(new File("ca.pem"));
    if (new File("cert.pem").exists()) tls.keyManager(new File("cert.pem"), new File("key.pem"));
    ManagedChannel channel =
        Grpc.newChannelBuilder("localhost:" + args[0], tls.build()).build();
    MethodDescriptor<byte[], byte[]> echo =
        MethodDescriptor.newBuilder(new Bytes(), new Bytes())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("selvage.test.v1.EchoService/Echo")
            .build();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(60, TimeUnit.SECONDS);
    try {
      ClientCalls.blockingUnaryCall(channel, echo, options, new byte[0]);
      System.out.println("the call succeeded");
    } catch (StatusRuntimeException error) {
      System.out.println(error.getMessage());
      if (error.getCause() != null) System.out.println(error.getCause());
      System.exit(1);
    } finally {
      channel.shutdownNow();
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
    }
  }
}
