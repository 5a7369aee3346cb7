// Inspect a picture with an exported model, with OpenVINO's C++ API alone.
//
// inspect_part part.xml PICTURE.ppm        (binary PPM of 8 bits: P6, RGB)

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include <openvino/openvino.hpp>

ov::Tensor read_ppm(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::string kind;
    size_t width = 0, height = 0, largest = 0;
    if (!(file >> kind >> width >> height >> largest) || kind != "P6" || largest != 255)
        throw std::runtime_error(std::string(path) + " must be a binary PPM of 8 bits without comments");
    file.get();  // the one white space before the pixels
    ov::Tensor image(ov::element::u8, {1, height, width, 3});
    if (!file.read(reinterpret_cast<char*>(image.data()), image.get_byte_size()))
        throw std::runtime_error(std::string(path) + " must hold all of its pixels");
    return image;
}

int main(int count, char** words) try {
    if (count != 3) throw std::runtime_error("usage: inspect_part part.xml PICTURE.ppm");
    ov::Core core;
    // by default OpenVINO computes in bfloat16 where the processor can: ask for float32
    auto model = core.compile_model(words[1], "CPU",
                                    ov::hint::inference_precision(ov::element::f32));
    auto request = model.create_infer_request();
    request.set_input_tensor(read_ppm(words[2]));
    request.infer();

    std::printf("score %.6f\n", request.get_tensor("score").data<float>()[0]);
    std::printf("verdict %s\n", request.get_tensor("verdict").data<bool>()[0] ? "defect" : "good");
    auto heat = request.get_tensor("heat_map");  // 1 x H x W
    const float* values = heat.data<float>();
    const size_t worst = std::max_element(values, values + heat.get_size()) - values;
    const size_t width = heat.get_shape()[2];
    std::printf("largest heat %.6f at row %zu, column %zu\n", values[worst], worst / width,
                worst % width);
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
}
