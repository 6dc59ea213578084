#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace crossfade {
namespace {

TEST(Base64, RoundTripsTheVectorsOfRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {std::string("\xff\x00\xfe", 3), "/wD+"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encodeBase64(bytes), text);
    EXPECT_EQ(decodeBase64(text), bytes) << text;
  }
}

TEST(Base64, SkipsLineBreaksAndRefusesTheRest) {
  EXPECT_EQ(decodeBase64("Zm9v\nYmFy\n"), "foobar");
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Z=g=", "Zm9-", "Zm9v!", "===="}) {
    EXPECT_EQ(decodeBase64(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace crossfade
