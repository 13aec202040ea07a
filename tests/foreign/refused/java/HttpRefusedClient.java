import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Makes one request on the HttpClient of the JDK, as a client that the worker refuses: {@code HttpRefusedClient URL},
 * in a folder with {@code ca.pem} and, where the client has a certificate, {@code cert.pem} and {@code key.pem}.
 */
public final class HttpRefusedClient {
  private static final char[] NO_PASSWORD = new char[0];

  public static void main(String[] args) throws Exception {
    HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).sslContext(context()).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(args[0]))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    try {
      client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println("the call succeeded");
    } catch (java.io.IOException error) {
      System.out.println(error);
      System.exit(1);
    }
  }

  private static SSLContext context() throws Exception {
    KeyStore trusted = emptyStore();
    trusted.setCertificateEntry("ca", certificate("ca.pem"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    KeyManager[] own = null;
    if (Files.exists(Path.of("cert.pem"))) {
      KeyStore store = emptyStore();
      store.setKeyEntry("own", key(), NO_PASSWORD, new Certificate[] {certificate("cert.pem")});
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, NO_PASSWORD);
      own = keys.getKeyManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own, trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    return store;
  }

  private static Certificate certificate(String name) throws Exception {
    byte[] pem = Files.readAllBytes(Path.of(name));
    return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
  }

  private static PrivateKey key() throws Exception {
    String pem = Files.readString(Path.of("key.pem"));
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
  }
}
